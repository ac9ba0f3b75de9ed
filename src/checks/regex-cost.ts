/** How a pattern's cost grows with the text: in step with it, as its square, or without a useful bound. */
export type Cost = 'linear' | 'square' | 'unbounded'

/** More repetitions than this count as without end. */
const FEW = 16
/** In how many ways a pattern may divide its text and still count as linear. */
const MOST_WAYS = 4096

/**
 * The most that a regular expression may cost in a backtracking engine, judged by its form and on the safe side: a
 * repeated group, a look-around or a back-reference counts as unbounded though many such are harmless.
 */
export function costOf(pattern: string): Cost {
  if (/\(\?[^:]|\\[1-9k]|\)[*+{]/.test(pattern)) return 'unbounded'
  // Each open repetition is one more factor of the text's length, and so is a start anywhere in it.
  let factors = pattern.startsWith('^') && !pattern.includes('|') ? 0 : 1
  let loops = 0
  let ways = 1
  for (let i = 0; i < pattern.length; i++) {
    const character = pattern.charAt(i)
    if (character === '\\') i++
    else if (character === '[') i = endOfClass(pattern, i)
    else if (character === '?' && pattern[i - 1] !== '(') ways *= 2
    else {
      const choices = character === '*' || character === '+' ? Infinity : character === '{' ? choicesOf(pattern, i) : 1
      if (choices > FEW) loops++
      else ways *= choices
    }
  }
  if (ways > MOST_WAYS) return 'unbounded'
  factors += loops
  if (loops === 0 || factors <= 1) return 'linear'
  return factors === 2 ? 'square' : 'unbounded'
}

function endOfClass(pattern: string, start: number): number {
  let i = start + 1
  while (i < pattern.length && pattern[i] !== ']') i += pattern[i] === '\\' ? 2 : 1
  return i
}

/** How many lengths a `{n}`, `{n,}` or `{n,m}` leaves to choose from. */
function choicesOf(pattern: string, at: number): number {
  const bounds = /^\{(\d+)(,?)(\d*)\}/.exec(pattern.slice(at, at + 30))
  if (!bounds || bounds[2] === '') return 1
  return bounds[3] === '' ? Infinity : Number(bounds[3]) - Number(bounds[1]) + 1
}
