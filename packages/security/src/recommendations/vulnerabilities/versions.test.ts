import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compareIn } from './versions.ts'

/** Each list in ascending order; all pairs are compared, both ways. */
const ORDERS: Readonly<Record<string, readonly string[]>> = {
  // From dpkg's own manual and tests.
  'Debian:12': [
    ...['~~', '~~a', '~', '0', '0-1', '1.0~beta1~svn1245', '1.0~beta1', '1.0', '1.0-1~deb12u1'],
    ...['1.0-1', '1.0-1+b1', '1.0-2', '1.0-10', '1.0a', '1.0+dfsg', '1.0.1', '1.2', '1.10'],
    ...['3.0.9-1', '3.0.11-1~deb12u2', '3.0.11-1', '1:0.1', '2:0'],
  ],
  'Ubuntu:22.04:LTS': [
    '1.1.1f-1ubuntu2',
    '1.1.1f-1ubuntu2.8',
    '1.1.1f-1ubuntu2.16',
    '3.0.2-0ubuntu1',
  ],
  'Alpine:v3.18': [
    ...['1.0_alpha1', '1.0_alpha2', '1.0_beta', '1.0_pre1', '1.0_rc1', '1.0', '1.0-r1', '1.0-r10'],
    ...['1.0_git20200101', '1.0_p1', '1.0a', '1.0b', '1.0.1', '1.1', '1.10'],
  ],
  npm: [
    ...['0.9.9', '1.0.0-0', '1.0.0-alpha', '1.0.0-alpha.1', '1.0.0-alpha.beta', '1.0.0-beta'],
    ...[
      '1.0.0-beta.2',
      '1.0.0-beta.11',
      '1.0.0-rc.1',
      '1.0.0',
      '1.0.1',
      '1.2.0',
      '1.10.0',
      '2.0.0',
    ],
  ],
  PyPI: [
    ...['1.0.dev1', '1.0a1.dev1', '1.0a1', '1.0a2', '1.0b1', '1.0rc1', '1.0', '1.0.post1.dev1'],
    ...['1.0.post1', '1.0.1', '1.1', '1.10', '1!0.1'],
  ],
  Maven: ['1.0-SNAPSHOT', '1.0.Final', '1.0.1-rc1', '1.0.1'],
  Packagist: ['1.0-rc1', '1.0', '1.0.1', '1.9', '1.10', '2'],
}

for (const [ecosystem, versions] of Object.entries(ORDERS)) {
  test(`compareIn: ${ecosystem}`, () => {
    const compare = compareIn(ecosystem)
    for (const [at, one] of versions.entries()) {
      for (const [other, another] of versions.entries()) {
        const expected = Math.sign(at - other)
        assert.equal(Math.sign(compare(one, another)), expected, `${one} ${another}`)
      }
    }
  })
}

test('compareIn: spellings of the same version are equal', () => {
  const same: readonly (readonly [string, string, string])[] = [
    ['Debian', '1.0-1', '0:1.0-1'],
    ['Debian', '1.01', '1.1'],
    ['npm', 'v1.2.3', '1.2.3+build5'],
    ['npm', '1.2', '1.2.0'],
    ['PyPI', '1.0', '1.0.0'],
    ['PyPI', '1.0-1', '1.0.post1'],
    ['PyPI', '1.0alpha1', '1.0a1'],
    ['Packagist', '1.0.0', '1-0-0'],
    ['Packagist', '1.0', '1.0.0.0'],
    ['RubyGems', '2', '2.0'],
    ['Maven', '5.3.0.Final', '5.3'],
  ]
  for (const [ecosystem, a, b] of same) assert.equal(compareIn(ecosystem)(a, b), 0, `${a} ${b}`)
})

test('compareIn: any texts are ordered, both ways alike', () => {
  const text = fc.oneof(fc.string({ maxLength: 20 }), fc.stringMatching(/^[0-9.:~+a-c_-]{0,16}$/))
  const ecosystem = fc.constantFrom('Debian', 'Alpine', 'npm', 'PyPI', 'Maven')
  fc.assert(
    fc.property(ecosystem, text, text, (name, a, b) => {
      const compare = compareIn(name)
      assert.equal(Math.sign(compare(a, b)), -Math.sign(compare(b, a)) + 0)
      assert.equal(compare(a, a), 0)
    }),
  )
})
