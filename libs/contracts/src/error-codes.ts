/**
 * The original's error codes (signed 32-bit) and the beginning of their messages. Existing clients compare the number;
 * people read the text. `reference` names are ours.
 */
export const ErrorCode = {
  /** A required value is null or blank. */
  OBJECT_NOT_NULL: -2127552257,
  /** A value is not one of those allowed. */
  OBJECT_NOT_EQUAL: -2127552256,
  /** The database failed. */
  DATA_ACCESS: -2127552258,
  /** The body cannot be parsed. */
  PARSE: -2127552262,
  /** A list of ids is malformed. */
  DATA_FORMAT: -2127552019,
  /** env or args cannot be used. */
  INIT_OBJECT: -2127552007,
  /** Unexpected: our fault. */
  INTERNAL: -2127560704,
  /** Not permitted. */
  NO_PERMISSION: -2127560624,
  /** No such task (of this tenant). */
  NO_RECORD: -2127560608,
  /** The queue failed (the original's; a submission of ours never fails on the broker). */
  QUEUE: -2127560605,
  /** Request parameters are wrong in another way: route, method, size, media type. */
  BAD_REQUEST: -2127560592,
  /** A limit of the tenant's, not the request's: it may be sent again later. The original has none. */
  LIMIT_REACHED: -429,
  /** An operator has stopped the intake: the same may be sent again later. The original has none. */
  INTAKE_STOPPED: -503,
} as const;

export type ErrorCodeName = keyof typeof ErrorCode;

export const errorMessagePrefix: Readonly<Record<ErrorCodeName, string>> = {
  OBJECT_NOT_NULL: 'object not null error',
  OBJECT_NOT_EQUAL: 'object not equal error',
  DATA_ACCESS: 'data access error',
  PARSE: 'parse string to object error',
  DATA_FORMAT: 'data format error',
  INIT_OBJECT: 'init object error',
  INTERNAL: 'internal service error',
  NO_PERMISSION: 'no permission, auth failed',
  NO_RECORD: 'query error, no record equal in db',
  QUEUE: 'rabbit mq push value error',
  BAD_REQUEST: 'request params invalid error',
  LIMIT_REACHED: 'limit reached',
  INTAKE_STOPPED: 'submissions are stopped',
};
