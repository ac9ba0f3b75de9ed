import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkTemplate, goldenTemplate, testTemplate } from './new-check-templates.ts'

/**
 * `npm run new:check NAME`: a check that works, in its four places. It demands a header field; what yours demands goes
 * in its place, file by file, with types, lint and tests passing from the first minute on.
 */
const root = process.cwd()
const INDEX = 'src/checks/index.ts'

function refuse(message: string, mend: string): never {
  console.error(`new:check: ${message}\nmend: ${mend}`)
  process.exit(1)
}

const [name, ...more] = process.argv.slice(2)
if (name === undefined || more.length > 0) refuse('takes one name', 'npm run new:check -- max-age')
if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name) || name.length > 40)
  refuse(`${JSON.stringify(name)} is no name for a check`, 'write it in kebab case, e.g. max-age')

const files = {
  [`src/checks/${name}.ts`]: checkTemplate(name, constantOf(name)),
  [`test/checks/${name}.test.ts`]: testTemplate(name, constantOf(name)),
  [`test/golden/checks/${name}.yaml`]: goldenTemplate(name),
}
const taken = Object.keys(files).find(file => existsSync(join(root, file)))
if (taken) refuse(`${taken} is there already`, 'choose another name, or edit that file')

const before = readFileSync(join(root, INDEX), 'utf8')
const list = /(checkKinds: readonly AnyCheckKind\[\] = \[)([^\]]*?),?\s*\]/
if (!list.test(before)) refuse(`${INDEX} has no list checkKinds`, 'write `checkKinds: readonly AnyCheckKind[] = [...]`')
const after = before.replace(list, (_all, start: string, kinds: string) =>
  kinds.trim() === '' ? `${start}${constantOf(name)}]` : `${start}${kinds}, ${constantOf(name)}]`,
)
writeFileSync(join(root, INDEX), `import { ${constantOf(name)} } from './${name}.ts'\n${after}`)
for (const [file, text] of Object.entries(files)) writeFileSync(join(root, file), text)

const written = [INDEX, ...Object.keys(files)]
const biome = join(root, 'node_modules/@biomejs/biome/bin/biome')
const sources = written.filter(file => file.endsWith('.ts'))
execFileSync(process.execPath, [biome, 'check', '--write', ...sources], {
  cwd: root,
  stdio: ['ignore', 'ignore', 'inherit'],
})
console.log(`${written.join('\n')}\nnext: npx vitest run test/checks/${name}.test.ts, then npm run docs`)

/** `max-age` -> `maxAge`; a word that the language keeps for itself gets `Check` behind it. */
function constantOf(kebab: string): string {
  const camel = kebab.replace(/-([a-z0-9])/g, (_all, letter: string) => letter.toUpperCase())
  try {
    new Function(`const ${camel} = 0`)
    return camel
  } catch {
    return `${camel}Check`
  }
}
