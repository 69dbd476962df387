import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { analyse } from './analyse.ts'
import { MAX_COMMAND_CHARACTERS, MAX_SEGMENTS, MAX_TOKENS } from './limits.ts'

/** A line's segments as text: `connective program args`. */
function shape(line: string): readonly string[] {
  return analyse(line).segments.map(({ connective, program, args }) =>
    [connective, program, ...args].filter((part) => part !== '').join(' '),
  )
}

test('analyse: quotes and escapes are removed, and what they hold is one token', () => {
  assert.deepEqual(analyse(`a 'b  c' "d 'e'" f\\ g h"i"'j' '' "\\"k\\n"`).segments[0]?.args, [
    'b  c',
    "d 'e'",
    'f g',
    'hij',
    '',
    '"k\\n',
  ])
})

test('analyse: operators split segments and say how they are connected', () => {
  assert.deepEqual(shape('a; b && c || d | e & f\ng |& h'), [
    'a',
    '; b',
    '&& c',
    '|| d',
    '| e',
    '& f',
    '; g',
    '| h',
  ])
  assert.deepEqual(shape('a | (b; c) | d'), ['a', '| b', '; c', '| d'])
  assert.deepEqual(shape('a |\n b'), ['a', '| b'])
  assert.deepEqual(shape('a>b;c'), ['a', '; c'])
})

test('analyse: substitutions are segments of their own, after the one that holds them', () => {
  const { segments } = analyse('a "$(b \'c)\' | d)" `e \\`f\\`` <(g) $((1+2)) h')
  const names = segments.map(({ program, substituted }) => `${program}${substituted ? '*' : ''}`)
  assert.deepEqual(names.slice(0, 4), ['a', 'b*', 'd*', 'e*'])
  assert.ok(names.includes('g*'))
  assert.equal(segments[0]?.args.at(-1), 'h')
  assert.equal(segments[0]?.args[0], '$()')
})

test('analyse: redirections leave the arguments; descriptors are not written files', () => {
  const [segment] = analyse('a 2>&1 b >c 3<>d &>>e <f <<<g >&- >&h 2>/dev/null').segments
  assert.deepEqual(segment?.args, ['b'])
  assert.deepEqual(segment?.writes, ['c', 'd', 'e', 'h', '/dev/null'])
  const operators = segment?.redirections.map(({ operator, target }) => operator + target)
  assert.deepEqual(operators?.slice(0, 4), ['>&1', '>c', '<>d', '&>>e'])
})

test('analyse: assignments, grammar and wrappers are looked through', () => {
  const [segment] = analyse(
    'then A=1 sudo -nu root env -i B=2 nohup timeout -s 9 5 /X/Y -z',
  ).segments
  assert.equal(segment?.program, 'y')
  assert.equal(segment?.path, '/X/Y')
  assert.deepEqual(segment?.args, ['-z'])
  assert.deepEqual(segment?.env, ['A=1', 'B=2'])
  assert.deepEqual(segment?.wrappers, ['sudo', 'env', 'timeout'])
  assert.equal(segment?.nohup, true)
  const wrapped = ['xargs -n 1 -P4 x', 'chroot /m x', 'stdbuf -oL x', 'nice -n5 x', 'busybox x']
  const more = ['ionice -c 3 x', 'exec -a name x', 'chrt -f 9 x', 'taskset 1 x', 'f() { x', '! x']
  for (const line of [...wrapped, ...more])
    assert.equal(analyse(line).segments[0]?.program, 'x', line)
})

test('analyse: a wrapper that runs nothing is the program', () => {
  assert.deepEqual(shape('sudo -l'), ['sudo -l'])
  assert.deepEqual(shape('command -v nc'), ['command -v nc'])
  assert.deepEqual(shape('env'), ['env'])
})

test('analyse: a script is found with and without its quotes', () => {
  assert.deepEqual(shape("sh -c 'a b; c'"), ['sh -c a b; c', 'a b', '; c'])
  assert.deepEqual(shape('sh -c a b; c'), ['sh -c a b', 'a b', '; c'])
  assert.deepEqual(shape('bash --norc -o pipefail -lic "a"').at(-1), 'a')
  assert.deepEqual(shape('su - root -c "a b"').at(-1), 'a b')
  assert.deepEqual(shape('eval "a" "b;" c'), ['eval a b; c', 'a b', '; c'])
  assert.deepEqual(shape('bash <<< "a b"'), ['bash', 'a b'])
  assert.deepEqual(shape('echo -n "a b" | sudo sh'), ['echo -n a b', '| sh', 'a b'])
  assert.deepEqual(shape('cmd.exe /c a b').at(-1), 'a b')
  assert.deepEqual(shape('bash x.sh -c a'), ['bash x.sh -c a'])
})

test('analyse: a script without quotes keeps the redirections of its line', () => {
  assert.deepEqual(
    analyse('sh -c a b > c').segments.map(({ writes }) => writes),
    [['c'], ['c']],
  )
})

test('analyse: scripts in scripts end at depth 3', () => {
  const programs = analyse('sh -c sh -c sh -c sh -c sh -c a').segments.map(({ program }) => program)
  assert.deepEqual(programs, ['sh', 'sh', 'sh', 'sh'])
  assert.equal(shape(`sh -c "sh -c \\"sh -c 'a'\\""`).at(-1), 'a')
})

test('analyse: what is never closed hides nothing', () => {
  for (const open of ['"', "'", '`', '$(', '(', '$((', '<(', '"$(', '\\"']) {
    const programs = analyse(`sudo -p it${open}s a; b -c`).segments.map(({ program }) => program)
    assert.ok(programs.includes('b'), `${open}: ${programs.join()}`)
  }
})

test('analyse: blanks in disguise, line continuations and NULs', () => {
  assert.deepEqual(shape(`a$IFS-b\${IFS}c`), ['a -b c'])
  assert.deepEqual(shape('a \\\n b'), ['a b'])
  assert.deepEqual(shape('a\0b\0c'), ['a b c'])
  assert.deepEqual(shape('C:\\Dir\\A.exe b'), ['a b'])
})

test('analyse: the directory of the last cd, and the source as written', () => {
  const { segments } = analyse(`a; cd /tmp && 'b' "c d" > e`)
  assert.deepEqual(
    segments.map(({ directory }) => directory),
    ['', '', '/tmp'],
  )
  assert.equal(segments[2]?.source, `'b' "c d" > e`)
})

test('analyse: a cd further down stays below, one upwards leaves', () => {
  const last = (line: string) => analyse(line).segments.at(-1)?.directory
  assert.equal(last('cd /tmp; cd a; b'), '/tmp')
  assert.equal(last('cd /tmp; cd ..; b'), '..')
  assert.equal(last('cd /tmp; cd; b'), '')
})

test('analyse: a line over the limit is cut and says so', () => {
  const line = `a ${'b'.repeat(MAX_COMMAND_CHARACTERS)}`
  assert.equal(analyse(line).line.length, MAX_COMMAND_CHARACTERS)
  assert.equal(analyse(line).truncated, true)
  assert.equal(analyse('a').truncated, false)
})

test('analyse: padding with empty commands hides nothing within the limit', () => {
  const padding = ':;'.repeat((MAX_COMMAND_CHARACTERS - 20) / 2)
  const { segments, truncated } = analyse(`${padding}iptables -F`)
  assert.equal(segments.at(-1)?.program, 'iptables')
  assert.equal(truncated, false)
})

const piece = fc.constantFrom(
  ...['sh -c ', 'eval ', "'", '"', '`', '$(', ')', '(', '\\', ';', '|', '&', '>', '<', '\n', '\0'],
  ...['a', '-c', '=', '{', '}', ' ', 'A=1 ', 'sudo ', 'cd /tmp;', '<<<', '$', '#', '💥', '\ud800'],
)
const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.array(piece, { maxLength: 400 }).map((pieces) => pieces.join('')),
)

test('analyse: never throws, and stays within its bounds, for any text', () => {
  fc.assert(
    fc.property(hostile, (line) => {
      const { segments, tokens, steps } = analyse(line)
      assert.ok(segments.length <= Math.min(MAX_SEGMENTS, 4 * line.length + 4))
      assert.ok(tokens.length <= Math.min(MAX_TOKENS, 4 * line.length + 4))
      assert.ok(steps <= 12 * line.length + 12, `${steps} steps for ${line.length} characters`)
      for (const { writes, redirections } of segments) {
        assert.ok(writes.length <= redirections.length)
      }
    }),
    { numRuns: 2000 },
  )
})

test('analyse: a quoted word comes back as it was, whatever it holds', () => {
  const word = fc.string({ unit: 'binary', maxLength: 40 }).filter((text) => !text.includes("'"))
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 6 }), (words) => {
      const line = `x ${words.map((text) => `'${text}'`).join(' ')}`
      assert.deepEqual(analyse(line).segments[0]?.args, words)
    }),
  )
})
