/** A task as it is submitted: see the reference for what each member may be. With exactly one of `commands` and `container`. */
export interface Submission {
  readonly taskName: string;
  readonly commands?: string | readonly string[] | null;
  readonly container?: {
    readonly docker: {
      readonly image: string;
      readonly forcePullImage?: boolean;
      readonly privileged?: boolean;
      readonly net?: 'BRIDGE' | 'HOST' | 'NONE' | 'USER';
      readonly parameters?: readonly { readonly key: string; readonly value: string }[];
      readonly portMappings?: readonly {
        readonly containerPort: number;
        readonly hostPort?: number;
        readonly protocol?: 'tcp' | 'udp';
      }[];
    };
    readonly type?: 'DOCKER' | 'MESOS';
    readonly volumes?: readonly {
      readonly containerPath: string;
      readonly hostPath: string;
      readonly dvo?: 'RO' | 'RW';
    }[];
  } | null;
  readonly callbackUrl?: string | null;
  readonly callbackEvents?: 'all' | 'terminal' | null;
  readonly resources?: {
    readonly role?: string;
    readonly cpu?: number;
    readonly mem?: number;
    readonly disk?: number;
    readonly gpus?: number;
    readonly ports?: number;
  } | null;
  readonly env?: readonly { readonly name: string; readonly value: string; readonly secret?: boolean }[] | null;
  readonly args?: readonly string[] | null;
  readonly uris?:
    | readonly (
        | string
        | {
            readonly value: string;
            readonly extract?: boolean;
            readonly executable?: boolean;
            readonly cache?: boolean;
            readonly outputFile?: string;
          }
      )[]
    | null;
  readonly constraints?:
    | readonly {
        readonly field: string;
        readonly operator?: 'IN' | 'NOT_IN' | 'LIKE' | 'UNLIKE' | 'EXISTS' | 'NOT_EXISTS' | 'GREATER' | 'LESS';
        readonly values?: readonly string[];
      }[]
    | null;
  readonly group?: {
    readonly name: string;
    readonly placement: 'unique' | 'balanced' | 'same';
    readonly by?: string;
  } | null;
  readonly priority?: number | null;
  readonly retry?: number | null;
  readonly expireSeconds?: number | null;
  readonly maxRunSeconds?: number | null;
  readonly killGraceSeconds?: number | null;
  readonly unreachableSeconds?: number | null;
  readonly labels?: Readonly<Record<string, string>> | null;
}

/** Which tasks: all that is given must hold. */
export interface TaskChoice {
  /** Names or numbers of states, or `waiting`, `live`, `ended`. */
  readonly status?: readonly (string | number)[] | undefined;
  readonly namePrefix?: string | undefined;
  /** Labels that it has, with the value or (null) any. */
  readonly labels?: Readonly<Record<string, string | null>> | undefined;
  readonly submittedAfter?: Date | undefined;
  readonly submittedBefore?: Date | undefined;
}
