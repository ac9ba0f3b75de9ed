/** Characters; no manual writes a longer one. */
const LONGEST = 64

/** What manuals, templates and programs most often leave where a secret or a token belongs, as it is written there. */
export const PLACEHOLDERS: readonly string[] = [
  'undefined',
  'null',
  'None',
  'nil',
  'NaN',
  '[object Object]',
  'changeme',
  'change-me',
  'CHANGE_ME',
  'changethis',
  'your-secret',
  'your_secret',
  'YOUR_SECRET',
  'your-secret-here',
  'your-webhook-secret',
  'replace-me',
  'REPLACE_ME',
  'todo',
]

const KNOWN = new Set(PLACEHOLDERS.map(each => each.toLowerCase()))

const USES = 'api|app|auth|access|bearer|bot|client|shared|webhook|hook|signing|verification'
const NOUN = '(?:secret|token|key|password)'
/** Of "your" and one free word at most, as in "your-github-secret": whole sentences are passphrases. */
const MANUAL = new RegExp(
  `^(?:(?:insert|enter|paste|put)[-_ ])?(?:your|my|the)(?:(?<=your)[-_ ][a-z]+(?=[-_ ]))?(?:[-_ ]?(?:${USES}))*[-_ ]?${NOUN}(?:[-_ ]?${NOUN})?(?:[-_ ]?here)?$`,
  'i',
)

/**
 * A variable is known by a name of words: "$aG7k2" is a password, and so may be "<x9K>". A secret in base64, hexadecimal digits
 * or behind `whsec_` has none of these forms.
 */
const FORMS = [
  /^\$\{[a-z_][^{}]*\}$/i,
  /^\$\([^()]+\)$/,
  /^\{\{[^{}]+\}\}$/,
  /^<(?:[A-Z]?[a-z]+|[A-Z]+)(?:[ _.:/'-]+(?:[A-Z]?[a-z]+|[A-Z]+))*[0-9]?>$/,
  /^%(?:[a-z]{2,}(?:_[a-z]+)*|[A-Z]{2,}(?:_[A-Z]+)*)[0-9]?%$/,
  /^\$[A-Z]{2,}(?:_[A-Z]{2,})+$/,
  /^\$(?:[a-z]+_)*(?:secret|token|key|password)$/i,
  /^(?:change|replace)[-_ ]?(?:me|this)$/i,
  /^(?:x{3,}|\*{3,}|\.{3,})$/i,
  MANUAL,
]

/**
 * Whether it is what stands in place of a secret or a token until somebody fills it in. Whoever has read the manual knows it.
 */
export const isPlaceholder = (text: string): boolean =>
  text.length <= LONGEST && (KNOWN.has(text.toLowerCase()) || FORMS.some(form => form.test(text)))
