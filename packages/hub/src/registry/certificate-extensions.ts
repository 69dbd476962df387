/**
 * The few facts of a certificate that Node does not tell: how long a chain may grow below it, and
 * what a checker must refuse because it would not obey it (RFC 5280 §4.2). Only what OpenSSL has
 * parsed comes here, so the outline is known to be right; what does not fit is refused.
 */
export interface Extensions {
  readonly pathLength: number
  readonly flaw: string | undefined
}

interface Element {
  readonly tag: number
  readonly value: Uint8Array
}

const SEQUENCE = 0x30
const OBJECT_IDENTIFIER = 0x06
const BOOLEAN = 0x01
const INTEGER = 0x02
const OCTET_STRING = 0x04
const EXTENSIONS = 0xa3

/** Extensions of 2.5.29 by their last arc. */
const SUBJECT_ALTERNATIVE_NAME = 17
const KEY_USAGE = 15
const BASIC_CONSTRAINTS = 19
const NAME_CONSTRAINTS = 30
const CERTIFICATE_POLICIES = 32
const POLICY_CONSTRAINTS = 36
const EXTENDED_KEY_USAGE = 37
const INHIBIT_ANY_POLICY = 54

/** May be critical: OpenSSL or the chain check obeys them, or they limit policies nobody asks for. */
const UNDERSTOOD: ReadonlySet<number> = new Set([
  SUBJECT_ALTERNATIVE_NAME,
  KEY_USAGE,
  BASIC_CONSTRAINTS,
  CERTIFICATE_POLICIES,
  POLICY_CONSTRAINTS,
  EXTENDED_KEY_USAGE,
  INHIBIT_ANY_POLICY,
])

/** Signatures with MD2, MD4, MD5 or SHA-1, by the DER of their object identifiers. */
const WEAK_SIGNATURES: ReadonlySet<string> = new Set([
  '2a864886f70d010102',
  '2a864886f70d010103',
  '2a864886f70d010104',
  '2a864886f70d010105',
  '2a8648ce3d0401',
  '2a8648ce380403',
  '2b0e03021d',
])

/** @param der  of a whole certificate. @returns `undefined` when its outline is not that of one */
export function readExtensions(der: Uint8Array): Extensions | undefined {
  const [certificate] = elements(der) ?? []
  const [toBeSigned, algorithm] = (certificate && elements(certificate.value)) ?? []
  const fields = toBeSigned && elements(toBeSigned.value)
  const [algorithmId] = (algorithm && elements(algorithm.value)) ?? []
  if (!fields || algorithmId?.tag !== OBJECT_IDENTIFIER) return undefined
  const isWeak = WEAK_SIGNATURES.has(Buffer.from(algorithmId.value).toString('hex'))
  const none: Extensions = {
    pathLength: Number.POSITIVE_INFINITY,
    flaw: isWeak ? 'its signature uses a broken hash' : undefined,
  }
  const holder = fields.find(({ tag }) => tag === EXTENSIONS)
  if (!holder) return none
  const [list] = elements(holder.value) ?? []
  const extensions = list?.tag === SEQUENCE ? elements(list.value) : undefined
  return extensions?.reduce<Extensions | undefined>(addExtension, none)
}

function addExtension(known: Extensions | undefined, element: Element): Extensions | undefined {
  const parts = elements(element.value)
  const [id, second] = parts ?? []
  const value = parts?.at(-1)
  if (!known || id?.tag !== OBJECT_IDENTIFIER || value?.tag !== OCTET_STRING) return undefined
  const isCritical = second?.tag === BOOLEAN && second.value[0] !== 0
  const arc = arcOf(id.value)
  if (arc === NAME_CONSTRAINTS) return { ...known, flaw: 'it has name constraints' }
  if (isCritical && (arc === undefined || !UNDERSTOOD.has(arc))) {
    return { ...known, flaw: 'it has a critical extension that is not understood' }
  }
  return arc === BASIC_CONSTRAINTS ? withPathLength(known, value.value) : known
}

/** `SEQUENCE { cA BOOLEAN DEFAULT FALSE, pathLenConstraint INTEGER OPTIONAL }` */
function withPathLength(known: Extensions, value: Uint8Array): Extensions | undefined {
  const [constraints] = elements(value) ?? []
  const parts = constraints && elements(constraints.value)
  if (!parts) return undefined
  const length = parts.find(({ tag }) => tag === INTEGER)
  // Longer than one byte is more than any chain that is looked at.
  if (length?.value.byteLength !== 1) return known
  return { ...known, pathLength: length.value[0] ?? 0 }
}

/** The last arc of an identifier below 2.5.29 that fits in one byte. */
function arcOf(id: Uint8Array): number | undefined {
  return id.byteLength === 3 && id[0] === 0x55 && id[1] === 0x1d ? id[2] : undefined
}

/** The elements that fill `bytes` exactly, or `undefined`. */
function elements(bytes: Uint8Array): readonly Element[] | undefined {
  const found: Element[] = []
  let at = 0
  while (at < bytes.byteLength) {
    const head = headAt(bytes, at)
    if (!head || head.end > bytes.byteLength) return undefined
    found.push({ tag: bytes[at] ?? 0, value: bytes.subarray(head.start, head.end) })
    at = head.end
  }
  return found
}

/** Definite lengths of up to three bytes, which is all that DER has below 16 MiB. */
function headAt(bytes: Uint8Array, at: number): { start: number; end: number } | undefined {
  const first = bytes[at + 1]
  if (first === undefined || first === 0x80) return undefined
  if (first < 0x80) return { start: at + 2, end: at + 2 + first }
  const count = first & 0x7f
  if (count > 3 || at + 2 + count > bytes.byteLength) return undefined
  let length = 0
  for (let index = 0; index < count; index++) length = length * 256 + (bytes[at + 2 + index] ?? 0)
  return { start: at + 2 + count, end: at + 2 + count + length }
}
