import { expect, it } from 'vitest'
import { costOf } from '../../src/checks/regex-cost.ts'

it.each([
  ['^[a-z0-9-]+$', 'linear'],
  ['^\\d{4}-\\d{2}$', 'linear'],
  ['^sha256=[0-9a-f]{64}$', 'linear'],
  ['^(push|pull)$', 'linear'],
  ['^[+*{]\\+\\*$', 'linear'],
  ['tickets?', 'linear'],
  ['^(?:a|b)?c{2,9}$', 'linear'],
  ['^[^@]+@[^@]+$', 'square'],
  ['a+b', 'square'],
  ['^a+|b$', 'square'],
  ['^a{0,500}b{3,}$', 'square'],
  ['^[^@]+@[^@]+\\.[a-z]+$', 'unbounded'],
  ['^(a+)+$', 'unbounded'],
  ['^(a|a)*$', 'unbounded'],
  ['^(?:a|a){40}$', 'unbounded'],
  ['^((a|a){16}){16}$', 'unbounded'],
  [`^${'a?'.repeat(30)}${'a'.repeat(30)}$`, 'unbounded'],
  [`^${'a{0,9}'.repeat(9)}$`, 'unbounded'],
  ['^(a+)\\1$', 'unbounded'],
  ['^(?=a+)b', 'unbounded'],
] as const)('calls %s %s', (pattern, cost) => {
  expect(costOf(pattern)).toBe(cost)
})

it('calls nothing linear that takes long', () => {
  for (const pattern of ['^[a-z0-9-]+$', '^(push|pull)$', 'tickets?', '^(?:a|b)?c{2,9}$', '^sha256=[0-9a-f]{64}$']) {
    const regex = new RegExp(pattern, 'u')
    const started = performance.now()
    for (const text of ['a', 'c', 'ticke', 'a-']) regex.test(`${text.repeat(200_000)}!`)
    expect(performance.now() - started, pattern).toBeLessThan(100)
  }
})
