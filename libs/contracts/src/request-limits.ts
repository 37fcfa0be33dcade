/** The fixed limits: what an operating system, Mesos or a document can hold, with room to spare. */
export const requestLimits = {
  taskNameCharacters: 100,
  urlCharacters: 2048,
  /** `sh -c <commands>` is one argument to the kernel, which takes 128 KiB at most. */
  commandBytes: 65_536,
  argBytes: 65_536,
  args: 256,
  envVariables: 256,
  envNameCharacters: 256,
  envValueBytes: 65_536,
  uris: 64,
  constraints: 16,
  constraintValues: 64,
  /** Each is compiled by the leader, and run against each agent. */
  constraintPatterns: 8,
  /** As long as the patterns of RE2 get from `[a-z]{200}`; a service's naming scheme takes some tens. */
  constraintPatternSize: 250,
  attributeCharacters: 128,
  groupNameCharacters: 128,
  priority: 100,
  /** A host name has at most 253 characters. */
  constraintValueCharacters: 255,
  imageCharacters: 512,
  pathCharacters: 1024,
  volumes: 32,
  parameters: 64,
  parameterBytes: 4096,
  portMappings: 64,
  roleCharacters: 128,
  labels: 64,
  labelKeyCharacters: 128,
  labelValueBytes: 256,
  /** A year: past it nobody comes back for the answer. */
  unreachableSeconds: 31_536_000,
} as const;
