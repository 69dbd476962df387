import type { Source } from './ast.ts'

/** What the hub named itself, as it is spelled in results; it matches in any case (07 §3.4). */
interface SystemMembers {
  readonly [name: string]: SystemMembers
}

const LEAF: SystemMembers = {}

const TWIN_MEMBERS: SystemMembers = {
  deviceId: LEAF,
  moduleId: LEAF,
  modelId: LEAF,
  etag: LEAF,
  deviceEtag: LEAF,
  status: LEAF,
  statusReason: LEAF,
  statusUpdateTime: LEAF,
  connectionState: LEAF,
  lastActivityTime: LEAF,
  cloudToDeviceMessageCount: LEAF,
  authenticationType: LEAF,
  x509Thumbprint: { primaryThumbprint: LEAF, secondaryThumbprint: LEAF },
  version: LEAF,
  capabilities: { iotEdge: LEAF },
  deviceScope: LEAF,
  parentScopes: LEAF,
  configurations: LEAF,
  tags: LEAF,
  properties: { desired: LEAF, reported: LEAF },
}

const JOB_MEMBERS: SystemMembers = {
  deviceId: LEAF,
  jobId: LEAF,
  jobType: LEAF,
  status: LEAF,
  startTimeUtc: LEAF,
  endTimeUtc: LEAF,
  createdDateTimeUtc: LEAF,
  lastUpdatedDateTimeUtc: LEAF,
  outcome: LEAF,
  error: LEAF,
}

/** Members of twins that a record of a job does not have (07 §5). */
const NOT_IN_JOBS: ReadonlySet<string> = new Set([
  'tags',
  'properties',
  'configurations',
  'capabilities',
  'connectionState',
  'moduleId',
])

/**
 * Keys as written, as keys of the document: without the collection's name before them (07 §3.1), and
 * in the hub's spelling.
 *
 * @returns the keys, or a sentence that says why there can be no such path
 */
export function resolvePath(
  written: readonly string[],
  source: Source,
): readonly string[] | string {
  const own = withoutPrefix(written, source)
  if (typeof own === 'string') return own
  const keys = spell(own, TWIN_MEMBERS)
  if (source !== 'devices.jobs') return keys
  return NOT_IN_JOBS.has(keys[0] as string)
    ? `devices.jobs has no ${keys[0]}`
    : spell(own, JOB_MEMBERS)
}

function withoutPrefix(written: readonly string[], source: Source): readonly string[] | string {
  const [first = '', second = ''] = written
  if (first.toLowerCase() !== 'devices' || written.length < 2) return written
  const collection = `devices.${second.toLowerCase()}`
  const isCollection = collection === 'devices.modules' || collection === 'devices.jobs'
  if (!isCollection || written.length < 3) return written.slice(1)
  return collection === source ? written.slice(2) : `this query reads ${source}, not ${collection}`
}

function spell(written: readonly string[], members: SystemMembers): readonly string[] {
  const keys = [...written]
  let known = members
  for (const [at, key] of keys.entries()) {
    const lower = key.toLowerCase()
    const name = Object.keys(known).find((candidate) => candidate.toLowerCase() === lower)
    if (name === undefined) break
    keys[at] = name
    known = known[name] as SystemMembers
  }
  return keys
}
