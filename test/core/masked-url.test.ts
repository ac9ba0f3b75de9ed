import { describe, expect, it } from 'vitest'
import { maskedUrl } from '../../src/core/masked-url.ts'

describe('a URL as it is shown', () => {
  it.each([
    ['https://user:hunter2@x.example:8443/h?a=1&token=hunter3#b', 'https://***@x.example:8443/h?a=1&token=(masked)#b'],
    ['https://hunter2@x.example/h', 'https://***@x.example/h'],
    ['https:user:hunter2@x.example/', 'https:***@x.example/'],
    ['https://user:hunter2@hunter3@x.example/', 'https://***@x.example/'],
    ['https://user:hunter/2@x.example/', 'https://***@x.example/'],
    ['"https://user:hunter2@x.example/"', '"https://***@x.example/"'],
    ['user:hunter2@x.example', 'user:***@x.example'],
    ['https://x.example/h?api%5Fkey=hunter2&x-sig=hunter3', 'https://x.example/h?api%5Fkey=(masked)&x-sig=(masked)'],
    ['https://x.example/h#access_token=hunter2', 'https://x.example/h#access_token=(masked)'],
    ['https://x.example/@kb?page=2', 'https://x.example/@kb?page=2'],
    ['/h?token=hunter2', '/h?token=(masked)'],
    ['nowhere', 'nowhere'],
  ])('%s', (text, shown) => {
    expect(maskedUrl(text)).toBe(shown)
  })
})
