import type { DetailRecord } from '../ingestion/record.ts'

/** What a file event says, as rules ask for it. */
export interface FileFacts {
  readonly path: string
  readonly isCreated: boolean
  readonly isModified: boolean
  readonly isDeleted: boolean
  readonly isMoved: boolean
}

/** Reads `{ mask: ['Modified', …], path }`; what is missing or of another type is nothing. */
export function fileFacts({ detail }: DetailRecord): FileFacts {
  const { mask, path } = detail
  const list = Array.isArray(mask) ? mask : typeof mask === 'string' ? mask.split(',') : []
  const words = new Set(list.map((word) => String(word).trim().toLowerCase()))
  return {
    path: typeof path === 'string' ? path : '',
    isCreated: words.has('created'),
    isModified: words.has('modified'),
    isDeleted: words.has('deleted'),
    isMoved: words.has('moved'),
  }
}
