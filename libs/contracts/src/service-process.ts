/** The services of Juice; a standalone runs one of each. */
export const serviceNames = ['api', 'scheduler', 'callback'] as const;
export type ServiceName = (typeof serviceNames)[number];

/** One start of a service, in a process of its own or in a standalone's. */
export interface ServiceProcess {
  /** Of this start alone. */
  readonly id: string;
  readonly service: ServiceName;
  readonly host: string;
  readonly version: string;
  /** The version of Node. */
  readonly node: string;
  readonly since: Date;
}
