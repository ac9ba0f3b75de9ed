import { fileFault } from './file-request.ts'

/** One word of a command line. */
export interface Word {
  readonly text: string
  readonly line: number
}

const ANSI: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  a: '\x07',
  b: '\b',
  e: '\x1b',
  E: '\x1b',
  f: '\f',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '?': '?',
}

/**
 * The words of one command as a POSIX shell would have them, up to its end: quotes, backslashes, `$'...'` and variables;
 * nothing is run. Windows' carets, as browsers copy them for cmd, are read too.
 * @throws VerbFault for what only a shell could do
 */
export function shellWords(command: string, env: NodeJS.ProcessEnv): readonly Word[] {
  return new Reader(isForCmd(command) ? fromCmd(command) : command, env).words()
}

const isForCmd = (command: string): boolean => /\^\r?\n|\^"/.test(command)

/** cmd's `^x` is x, and `^` at a line's end goes on. */
function fromCmd(command: string): string {
  return command
    .replace(/\^\r?\n/g, ' ')
    .replace(/\^(.)/gs, '$1')
    .replace(/\\u([0-9a-f]{4})/gi, (_all, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
}

class Reader {
  readonly #text: string
  readonly #env: NodeJS.ProcessEnv
  #at = 0
  #line = 1

  constructor(text: string, env: NodeJS.ProcessEnv) {
    this.#text = text
    this.#env = env
  }

  words(): readonly Word[] {
    const words: Word[] = []
    let word: string | undefined
    let line = 1
    const add = (text: string): void => {
      if (word === undefined) line = this.#line
      word = (word ?? '') + text
    }
    const end = (): void => {
      if (word !== undefined) words.push({ text: word, line })
      word = undefined
    }
    while (this.#at < this.#text.length) {
      const char = this.#next()
      if (char === '\\') {
        const next = this.#next()
        if (next === '\r' && this.#text[this.#at] === '\n') this.#next()
        else if (next !== '\n' && next !== '') add(next)
      } else if (char === "'") add(this.#until("'"))
      else if (char === '"') add(this.#double())
      else if (char === '$' && this.#text[this.#at] === "'") {
        this.#next()
        add(this.#ansi())
      } else if (char === '$') add(this.#variable())
      else if (char === '`') throw this.#shellOnly('a command between backquotes')
      else if (char === '\n' || char === ';' || char === '|' || char === '&') {
        end()
        // The command ends; what follows is another one.
        if (words.length > 0) break
      } else if (char === '#' && word === undefined) this.#comment()
      else if (/\s/.test(char)) end()
      else if ((char === '>' || char === '<') && word === undefined) throw this.#shellOnly(`a redirection (${char})`)
      else add(char)
    }
    end()
    return words
  }

  #next(): string {
    const char = this.#text[this.#at++] ?? ''
    if (char === '\n') this.#line++
    return char
  }

  #comment(): void {
    while (this.#at < this.#text.length && this.#text[this.#at] !== '\n') this.#at++
  }

  #until(quote: string): string {
    const from = this.#line
    let text = ''
    while (this.#at < this.#text.length) {
      const char = this.#next()
      if (char === quote) return text
      text += char
    }
    throw fileFault('a quotation mark is never closed', `close it with ${quote}`, from)
  }

  #double(): string {
    const from = this.#line
    let text = ''
    while (this.#at < this.#text.length) {
      const char = this.#next()
      if (char === '"') return text
      if (char === '$') text += this.#variable()
      else if (char === '`') throw this.#shellOnly('a command between backquotes')
      else if (char === '\\') {
        const next = this.#next()
        if (next === '\n') continue
        text += '"\\$`'.includes(next) ? next : `\\${next}`
      } else text += char
    }
    throw fileFault('a quotation mark is never closed', 'close it with "', from)
  }

  #ansi(): string {
    const from = this.#line
    let text = ''
    while (this.#at < this.#text.length) {
      const char = this.#next()
      if (char === "'") return text
      if (char !== '\\') {
        text += char
        continue
      }
      const rest = this.#text.slice(this.#at, this.#at + 10)
      const [all, unicode, wide, hex, octal] =
        /^(?:u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|x([0-9a-fA-F]{1,2})|([0-7]{1,3}))/.exec(rest) ?? []
      if (all === undefined) {
        const next = this.#next()
        text += ANSI[next] ?? `\\${next}`
        continue
      }
      this.#at += all.length
      const code = Number.parseInt(unicode ?? wide ?? hex ?? octal ?? '0', octal === undefined ? 16 : 8)
      if (code > 0x10ffff) throw fileFault('an escape stands for no character', 'write the character itself', from)
      text += String.fromCodePoint(code)
    }
    throw fileFault('a quotation mark is never closed', "close it with '", from)
  }

  #variable(): string {
    const rest = this.#text.slice(this.#at)
    if (rest.startsWith('(')) throw this.#shellOnly('a command in $( )')
    const [all, braced, plain] = /^(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))/.exec(rest) ?? []
    const name = braced ?? plain
    if (all === undefined || name === undefined) {
      if (rest.startsWith('{')) throw this.#shellOnly('a variable with an operator')
      return '$'
    }
    this.#at += all.length
    const value = this.#env[name]
    if (value === undefined)
      throw fileFault(
        `the command needs the variable ${name}, which is not set`,
        `set ${name}, or write its value in its place`,
        this.#line,
      )
    return value
  }

  #shellOnly(what: string): Error {
    return fileFault(`the command has ${what}, and nothing is run here`, 'write its result in its place', this.#line)
  }
}
