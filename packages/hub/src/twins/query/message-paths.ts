import type { Expression } from './ast.ts'

/**
 * What a condition of message routing is evaluated on (10 §3); absent members are `undefined`.
 *
 *     { application: { colour: 'red' }, system: { contentType: 'application/json' },
 *       body: { t: 21 }, twin: { tags: {}, properties: { desired: {}, reported: {} } } }
 */
export type MessageMember = 'application' | 'system' | 'body' | 'twin'

/** System properties as a condition spells them after `$`, in any case, and their own spelling. */
const SYSTEM_NAMES: ReadonlyMap<string, string> = new Map(
  [
    ...['connectionDeviceId', 'connectionModuleId', 'contentType', 'contentEncoding', 'messageId'],
    ...['correlationId', 'userId', 'to', 'enqueuedTime'],
    ...['iothub-connection-device-id', 'iothub-connection-module-id', 'iothub-enqueuedtime'],
    ...['iothub-connection-auth-method', 'iothub-connection-auth-generation-id'],
    ...['iothub-message-source', 'iothub-message-schema', 'iothub-interface-id'],
    ...['iothub-creation-time-utc', 'iothub-outputname', 'dt-dataschema', 'dt-subject'],
  ].map((name) => [name.toLowerCase(), name]),
)

/**
 * The expression that a path stands for; its steps are names, and numbers of elements.
 *
 *     $body.a[0].x      the body, where it is JSON
 *     $twin.tags.x      the sender's twin: tags, properties.desired, properties.reported
 *     $contentType      a system property
 *     colour            an application property, or else a system property of that name
 *
 * @returns a sentence that says why there can be no such path, when there cannot
 */
export function messageExpression(steps: readonly (string | number)[]): Expression | string {
  const [first, ...rest] = steps
  const root = String(first)
  const lower = root.toLowerCase()
  if (lower === '$body') return access(['body'], rest)
  if (lower === '$twin') return twinExpression(rest)
  if (rest.some((step) => typeof step === 'number')) return 'only $body has elements'
  if (root.startsWith('$')) {
    const name = systemName(root.slice(1))
    if (name === undefined) return `there is no system property ${root}`
    return rest.length === 0 ? access(['system', name], []) : `${root} has no members`
  }
  // Application properties are flat: a dot is a part of the name.
  const written = steps.join('.')
  const property = access(['application', written], [])
  const name = systemName(written)
  if (name === undefined) return property
  return { kind: 'call', name: '??', args: [property, access(['system', name], [])] }
}

function systemName(written: string): string | undefined {
  return SYSTEM_NAMES.get(written.toLowerCase())
}

function twinExpression(rest: readonly (string | number)[]): Expression | string {
  const [first = '', second = ''] = rest.map((step) => String(step).toLowerCase())
  if (rest.some((step) => String(step).startsWith('$'))) {
    return '$version and $metadata of $twin cannot be asked for'
  }
  if (first === 'tags') return access(['twin', 'tags'], rest.slice(1))
  const isSection = first === 'properties' && (second === 'desired' || second === 'reported')
  if (!isSection) return '$twin has tags, properties.desired and properties.reported'
  return access(['twin', 'properties', second], rest.slice(2))
}

/** Names up to the first element are one path; what comes then goes into what was found. */
function access(keys: readonly string[], rest: readonly (string | number)[]): Expression {
  const firstElement = rest.findIndex((step) => typeof step === 'number')
  const flat = firstElement < 0 ? rest : rest.slice(0, firstElement)
  let found: Expression = { kind: 'path', keys: [...keys, ...flat.map(String)] }
  for (const step of rest.slice(flat.length)) {
    const name = typeof step === 'number' ? '[]' : '.'
    found = { kind: 'call', name, args: [found, { kind: 'literal', value: step }] }
  }
  return found
}

/** Which members of a message a condition looks at. */
export function mentionedMembers(expression: Expression): ReadonlySet<MessageMember> {
  const found = new Set<MessageMember>()
  const waiting: Expression[] = [expression]
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    if (next.kind === 'path') found.add(next.keys[0] as MessageMember)
    else waiting.push(...partsOf(next))
  }
  return found
}

function partsOf(expression: Exclude<Expression, { kind: 'path' }>): readonly Expression[] {
  switch (expression.kind) {
    case 'literal':
      return []
    case 'and':
    case 'or':
      return expression.terms
    case 'not':
    case 'in':
    case 'nin':
      return [expression.of]
    case 'compare':
      return [expression.left, expression.right]
    case 'call':
      return expression.args
  }
}
