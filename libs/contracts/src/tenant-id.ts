/** It becomes a word of routing keys and log lines, and a part of paths. */
export const tenantIdPattern = /^[A-Za-z0-9][A-Za-z0-9._:@-]{0,63}$/;

/** What a right one is, ready to follow "must be". */
export const tenantIdRight = '1 to 64 letters, digits, ".", "_", ":", "@" and "-", beginning with a letter or digit';
