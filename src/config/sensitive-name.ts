const SENSITIVE = /secret|token|passw|credential|(?<!allow-)private|api[-_]?key|bearer|authorization/i

/** Whether a name says that what stands behind it is a secret. */
export const isSensitiveName = (name: string): boolean => SENSITIVE.test(name)

/** Where such a name begins in a text; -1 where none does. */
export const indexOfSensitiveName = (text: string): number => text.search(SENSITIVE)
