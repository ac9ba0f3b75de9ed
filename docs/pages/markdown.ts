/** What the generated pages are written with. */

export const GENERATED = '<!-- Made by `npm run docs` from the source. Changes made here are lost. -->'

export const code = (text: string): string => `\`${text}\``

/** A table with its columns padded, so that it reads as text too. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [head, ...rows].map(row => row.map(cell => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')))
  // Columns of long sentences are not padded: the lines would only grow.
  const widths = head.map((_cell, column) => {
    const widest = Math.max(...cells.map(row => row[column]?.length ?? 0))
    return column === head.length - 1 || widest > 80 ? 0 : widest
  })
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  const [first = [], ...rest] = cells
  const rule = `| ${first.map((cell, column) => '-'.repeat(Math.max(3, widths[column] ?? 0, cell.length))).join(' | ')} |`
  return [line(first), rule, ...rest.map(line)].join('\n')
}

/** The same table as the formatter writes it in the pages that it sees: every column padded. */
export function padded(markdown: string): string {
  return markdown.replace(/(?:^\|.*\|$\n?)+/gm, whole => {
    const end = whole.endsWith('\n') ? '\n' : ''
    const rows = whole
      .trimEnd()
      .split('\n')
      .map(line =>
        line
          .slice(2, -2)
          .split(/ \| | \|(?= )/)
          .map(cell => cell.trim()),
      )
    const widths = (rows[0] ?? []).map((_cell, column) =>
      Math.max(...rows.map((row, index) => (index === 1 ? 3 : (row[column]?.length ?? 0)))),
    )
    const line = (row: readonly string[], fill: string): string =>
      `| ${row.map((cell, column) => (fill === '-' ? '' : cell).padEnd(widths[column] ?? 0, fill)).join(' | ')} |`
    return rows.map((row, index) => line(row, index === 1 ? '-' : ' ')).join('\n') + end
  })
}

export const fenced = (language: string, text: string): string => `\`\`\`${language}\n${text.trimEnd()}\n\`\`\``

/** The anchor that GitHub gives a heading. */
export const anchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^a-z0-9 _-]/g, '')
    .replaceAll(' ', '-')

/** A page's parts with a blank line between them. */
export const page = (...parts: readonly string[]): string => `${parts.filter(part => part !== '').join('\n\n')}\n`
