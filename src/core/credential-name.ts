/** Names that hold credentials in one service or another; one too many costs a look at a value that tells little. */
const CREDENTIAL =
  /(?:^|[-_.])(?:auth|authorization|cookie2?|credentials?|hmac|jwt|key|pass|passwd|password|pwd|secret|session|sid|sig|sign|signature|signatures|token|assertion)(?:[-_.]?(?:\d+|v\d+|sha\d+|hex|base64|old|new))?$|token|secret|signature|passw|api-?_?key|clientstate|authorization/i

/** Whether a header field, a parameter of a query or a field of a form holds a credential, by its name. */
export const isCredentialName = (name: string): boolean => CREDENTIAL.test(name)

/** What stands in place of a credential that is not shown. */
export const MASKED = '(masked)'
