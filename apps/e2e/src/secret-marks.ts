import { randomBytes } from 'node:crypto';

/** A text that occurs nowhere by chance, and so betrays where it has come to. */
export function makeMark(): string {
  return `mark${randomBytes(12).toString('hex')}`;
}

/** The names of those secrets of which a text has any form: as it is, percent-encoded, or in base64 wherever that begins. */
export function secretsIn(text: string, secrets: ReadonlyMap<string, string>): readonly string[] {
  return [...secrets].filter(([, secret]) => formsOf(secret).some((form) => text.includes(form))).map(([name]) => name);
}

function formsOf(secret: string): readonly string[] {
  return [secret, encodeURIComponent(secret), ...base64Of(secret)];
}

/** What is the same in base64 of any text that holds this one, for each of the three places that its first byte may have. */
function base64Of(secret: string): readonly string[] {
  return [0, 1, 2].map((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), Buffer.from(secret)]).toString('base64url');
    const first = Math.ceil((before * 8) / 6);
    const last = Math.floor(((before + Buffer.byteLength(secret)) * 8) / 6);
    return whole.slice(first, last);
  });
}
