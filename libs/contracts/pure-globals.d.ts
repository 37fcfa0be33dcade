// The globals outside ECMAScript that contracts may use: pure, and the same in every runtime. Known to tsconfig.lib.json
// alone, which has neither Node's types nor the DOM's.

declare class URL {
  static canParse(url: string): boolean;
  constructor(url: string);
  readonly protocol: string;
  readonly username: string;
  readonly password: string;
  readonly hostname: string;
  readonly port: string;
  readonly pathname: string;
  readonly search: string;
  readonly hash: string;
  readonly origin: string;
  readonly href: string;
}

declare class TextEncoder {
  encode(text: string): Uint8Array;
}
