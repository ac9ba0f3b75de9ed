/** How nginx, HAProxy and others call what has another name here. */
const ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ['listen', 'bind'],
  ['address', 'bind'],
  ['port', 'bind'],
  ['ssl', 'tls'],
  ['server-name', 'host'],
  ['location', 'path'],
  ['proxy-pass', 'forward'],
  ['backend', 'forward'],
  ['upstream', 'forward'],
  ['server', 'to'],
  ['target', 'to'],
])

/** The known word that `word` was probably meant to be; `undefined` where none is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const plain = fold(word)
  let best: string | undefined
  let least = Math.max(1, Math.floor(plain.length / 3)) + 1
  for (const candidate of known) {
    const distance = editDistance(plain, fold(candidate), least)
    if (distance < least) {
      best = candidate
      least = distance
    }
  }
  const same = ELSEWHERE.get(plain)
  return best ?? (same !== undefined && known.includes(same) ? same : undefined)
}

const fold = (word: string): string =>
  word
    .toLowerCase()
    .replace(/[\p{Pi}\p{Pf}\u201a\u201e]/gu, '')
    .replace(/[_\s\p{Cf}]/gu, '-')

/** Insertions, deletions, substitutions and swaps of neighbours; `limit` where it is at least that. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let cost = Math.min((next[j - 1] ?? 0) + 1, (row[j] ?? 0) + 1, (row[j - 1] ?? 0) + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, (before[j - 2] ?? 0) + 1)
      next.push(cost)
    }
    before = row
    row = next
  }
  return Math.min(limit, row[b.length] ?? limit)
}

/** `did you mean "retry"? forward takes: authenticate, to` */
export function meant(word: string, known: readonly string[], taker: string): string {
  const near = nearest(word, known)
  const list = known.length === 0 ? 'no keys' : [...known].sort().join(', ')
  return `${near === undefined ? '' : `did you mean "${near}"? `}${taker} takes: ${list}`
}
