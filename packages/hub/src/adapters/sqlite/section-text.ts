import type { JsonObject, MetadataNode, TwinSection } from '@twinward/protocol'

/**
 * A section as its two columns hold it, as JSON: the properties alone, which queries look into, and
 * its stamp, with the metadata packed. Most members of a twin share few
 * stamps, and times are the slowest numbers to write, so a node says only what its parent does not:
 *
 *     0                 a leaf, written together with its parent
 *     { key: node }     an object, written together with its parent
 *     [v, t]            a leaf with a stamp of its own
 *     [v, t, { … }]     an object with a stamp of its own; the root is always one
 */
type PackedNode = 0 | PackedMembers | PackedStamp
type PackedStamp = readonly [v: number, t: number, of?: PackedMembers]
interface PackedMembers {
  readonly [key: string]: PackedNode
}

interface PackedSection {
  readonly version: number
  readonly metadata: PackedStamp
  readonly sizeBytes: number
}

interface Stamp {
  readonly v: number
  readonly t: number
}

export interface SectionTexts {
  readonly values: string
  readonly stamp: string
}

export function sectionTexts({ values, version, metadata, sizeBytes }: TwinSection): SectionTexts {
  const { v, t, of } = metadata
  const packed: PackedSection = {
    version,
    metadata: of === undefined ? [v, t] : [v, t, packMembers(of, metadata)],
    sizeBytes,
  }
  return { values: JSON.stringify(values), stamp: JSON.stringify(packed) }
}

export function parseSection(values: string, stamp: string): TwinSection {
  const { version, metadata, sizeBytes } = JSON.parse(stamp) as PackedSection
  const [v, t] = metadata
  return {
    values: JSON.parse(values) as JsonObject,
    version,
    metadata: unpack(metadata, { v, t }),
    sizeBytes,
  }
}

function packMembers(of: Readonly<Record<string, MetadataNode>>, parent: Stamp): PackedMembers {
  const packed: Record<string, PackedNode> = {}
  for (const key of Object.keys(of)) {
    const node = of[key] as MetadataNode
    const isShared = node.v === parent.v && node.t === parent.t
    const members = node.of && packMembers(node.of, node)
    if (isShared) setOwn(packed, key, members ?? 0)
    else setOwn(packed, key, members ? [node.v, node.t, members] : [node.v, node.t])
  }
  return packed
}

function unpack(node: PackedNode, parent: Stamp): MetadataNode {
  if (node === 0) return parent
  if (!isStamped(node)) return { v: parent.v, t: parent.t, of: unpackMembers(node, parent) }
  const stamp = { v: node[0], t: node[1] }
  return node[2] === undefined ? stamp : { ...stamp, of: unpackMembers(node[2], stamp) }
}

function unpackMembers(members: PackedMembers, parent: Stamp): Record<string, MetadataNode> {
  const of: Record<string, MetadataNode> = {}
  for (const key of Object.keys(members)) {
    setOwn(of, key, unpack(members[key] as PackedNode, parent))
  }
  return of
}

function isStamped(node: PackedMembers | PackedStamp): node is PackedStamp {
  return Array.isArray(node)
}

/** An own property even when it is called `__proto__`. */
function setOwn<T>(object: Record<string, T>, key: string, value: T): void {
  if (key !== '__proto__') object[key] = value
  else {
    Object.defineProperty(object, key, {
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    })
  }
}
