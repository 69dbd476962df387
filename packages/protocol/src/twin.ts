import type { JsonObject } from './json.ts'

/**
 * When a property was last written: the section's `$version` after that write, and its time (ms since
 * the epoch). An object's node carries its members in `of`; a scalar or an array is one node.
 */
export interface MetadataNode {
  readonly v: number
  readonly t: number
  readonly of?: { readonly [key: string]: MetadataNode }
}

/** Desired or reported properties. `sizeBytes` counts as IoT Hub does (02 §3.5), without metadata. */
export interface TwinSection {
  readonly values: JsonObject
  readonly version: number
  readonly metadata: MetadataNode
  readonly sizeBytes: number
}

/** The twin of one identity, as the hub keeps it. The wire's shapes are made in `hub/twins/view.ts`. */
export interface Twin {
  /** Moves by one with every write of tags or desired; shown as base64 of eight bytes. */
  readonly etag: number
  /** Moves by one with every write of tags, desired or reported. */
  readonly version: number
  readonly tags: JsonObject
  readonly desired: TwinSection
  readonly reported: TwinSection
}

/** A merge patch of one section: `null` removes, objects merge, everything else replaces. */
export type TwinPatch = JsonObject

/** What a service writes in one operation; an absent section stays as it is. */
export interface TwinWrite {
  readonly tags?: TwinPatch | null
  readonly desired?: TwinPatch | null
}
