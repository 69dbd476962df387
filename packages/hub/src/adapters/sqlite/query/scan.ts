import type { Expression, Primitive, Source } from '../../../twins/query/ast.ts'
import { equality, kindOf, type Scan } from './scan-parts.ts'
import { list, param, raw, sql } from './sql.ts'
import { findTagScan } from './tag-scan.ts'

type Finder = (term: Expression, source: Source) => Scan | undefined

/** From the one that usually leaves fewest documents to the one that leaves most. */
const FINDERS: readonly Finder[] = [
  findDeviceScan,
  (term, source) => findTagScan(term, source, 'equal'),
  (term, source) => findTagScan(term, source, 'range'),
  findConfiguredScan,
  findModuleScan,
  findConnectionScan,
  findStatusScan,
]

/** @param terms  that a document must all meet */
export function chooseScan(terms: readonly Expression[], source: Source): Scan {
  for (const find of FINDERS) {
    for (const term of terms) {
      const scan = find(term, source)
      if (scan) return scan
    }
  }
  return {
    from: raw('entry INDEXED BY entry_kind'),
    condition: sql`entry.is_module = ${kindOf(source)}`,
    position: ['entry.id'],
    needsSort: false,
  }
}

/** The values that a term lets a property have: of `path = literal` one, of `path IN […]` those. */
function allowedValues(term: Expression, key: string): readonly Primitive[] | undefined {
  const { keys, values } = equality(term) ?? {}
  return keys?.length === 1 && keys[0] === key ? values : undefined
}

function textsOf(values: readonly Primitive[]): readonly string[] {
  return [...new Set(values.filter((value) => typeof value === 'string'))]
}

function findDeviceScan(term: Expression, source: Source): Scan | undefined {
  const values = allowedValues(term, 'deviceId')
  if (!values) return undefined
  const kind = raw(source === 'devices' ? "entry.module_id = ''" : "entry.module_id > ''")
  return {
    // The index of UNIQUE (device_id, module_id).
    from: raw('entry INDEXED BY sqlite_autoindex_entry_1'),
    condition: sql`entry.device_id IN (${list(textsOf(values).map(param))}) AND ${kind}`,
    position: ['entry.id'],
    needsSort: true,
    covers: term,
  }
}

function findModuleScan(term: Expression, source: Source): Scan | undefined {
  const values = source === 'devices.modules' ? allowedValues(term, 'moduleId') : undefined
  if (!values) return undefined
  const [first, ...more] = textsOf(values).filter((id) => id !== '')
  const condition =
    first !== undefined && more.length === 0
      ? sql`entry.module_id = ${param(first)}`
      : sql`entry.module_id IN (${list(first === undefined ? [] : [first, ...more].map(param))})`
  return {
    from: raw('entry INDEXED BY entry_module'),
    condition,
    position: ['entry.id'],
    needsSort: more.length > 0,
    covers: term,
  }
}

/** Of what the statuses of configurations say, or whether there are any: only of twins that have some. */
function findConfiguredScan(term: Expression, source: Source): Scan | undefined {
  const isAsked = term.kind === 'call' && term.name === 'IS_DEFINED'
  const [asked] = isAsked ? term.args : []
  const keys = asked?.kind === 'path' ? asked.keys : equality(term)?.keys
  if (keys?.[0] !== 'configurations') return undefined
  return {
    from: raw('entry INDEXED BY entry_configured'),
    condition: sql`entry.is_module = ${kindOf(source)} AND entry.configurations IS NOT NULL`,
    position: ['entry.id'],
    needsSort: false,
  }
}

function findConnectionScan(term: Expression, source: Source): Scan | undefined {
  const [value, ...others] = allowedValues(term, 'connectionState') ?? []
  if (value !== 'Connected' || others.length > 0) return undefined
  return {
    from: raw('connection AS live'),
    joinEntry: 'CROSS JOIN entry ON entry.id = live.id',
    condition: sql`live.is_module = ${kindOf(source)}`,
    position: ['live.id'],
    needsSort: false,
    covers: term,
  }
}

function findStatusScan(term: Expression, source: Source): Scan | undefined {
  const [value, ...others] = allowedValues(term, 'status') ?? []
  if ((value !== 'enabled' && value !== 'disabled') || others.length > 0) return undefined
  const disabled = raw(value === 'disabled' ? '1' : '0')
  return {
    from: raw('entry INDEXED BY entry_status'),
    condition: sql`entry.is_module = ${kindOf(source)} AND entry.disabled = ${disabled}`,
    position: ['entry.id'],
    needsSort: false,
    covers: term,
  }
}
