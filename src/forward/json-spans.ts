/** One member of a JSON object, where its value stands in the text. */
export interface Member {
  readonly name: string
  readonly start: number
  /** Behind its last character. */
  readonly end: number
}

/**
 * The members of the object that begins at `at`, in order; none where the value there is no object. The text is known to
 * be JSON, so nothing of it is checked here; what is not looked for keeps every character.
 */
export function* membersOf(text: string, at: number): Generator<Member> {
  let here = skipBlank(text, at)
  if (text[here] !== '{') return
  here = skipBlank(text, here + 1)
  while (text[here] === '"') {
    const nameEnd = endOfString(text, here)
    const start = skipBlank(text, skipBlank(text, nameEnd) + 1)
    const end = endOfValue(text, start)
    yield { name: String(JSON.parse(text.slice(here, nameEnd))), start, end }
    here = skipBlank(text, end)
    if (text[here] !== ',') return
    here = skipBlank(text, here + 1)
  }
}

/** The values of the array that begins at `at`. */
export function* itemsOf(text: string, at: number): Generator<Omit<Member, 'name'>> {
  let here = skipBlank(text, at + 1)
  while (here < text.length && text[here] !== ']') {
    const end = endOfValue(text, here)
    yield { start: here, end }
    here = skipBlank(text, end)
    if (text[here] === ',') here = skipBlank(text, here + 1)
  }
}

/** The member that a path of names leads to. */
export function memberAt(text: string, path: readonly string[]): Member | undefined {
  let found: Member | undefined
  for (const name of path) {
    const from: number = found?.start ?? 0
    found = undefined
    for (const member of membersOf(text, from)) if (member.name === name) found = member
    if (found === undefined) return undefined
  }
  return found
}

function endOfValue(text: string, at: number): number {
  const first = text[at]
  if (first === '"') return endOfString(text, at)
  if (first !== '{' && first !== '[') {
    let here = at
    while (here < text.length && !',]} \t\r\n'.includes(text[here] ?? '')) here++
    return here
  }
  let depth = 0
  for (let here = at; here < text.length; here++) {
    const char = text[here]
    if (char === '"') here = endOfString(text, here) - 1
    else if (char === '{' || char === '[') depth++
    else if ((char === '}' || char === ']') && --depth === 0) return here + 1
  }
  return text.length
}

function endOfString(text: string, at: number): number {
  for (let quote = text.indexOf('"', at + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let escapes = 0
    while (text[quote - 1 - escapes] === '\\') escapes++
    if (escapes % 2 === 0) return quote + 1
  }
  return text.length
}

function skipBlank(text: string, at: number): number {
  let here = at
  while (' \t\r\n'.includes(text[here] ?? 'x')) here++
  return here
}
