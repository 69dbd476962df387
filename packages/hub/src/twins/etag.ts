const counterBytes = Buffer.alloc(8)

/** A twin's etag on the wire: base64 of the counter as eight bytes, big-endian (`AAAAAAAAAAE=` = 1). */
export function formatTwinEtag(counter: number): string {
  // In two halves and one buffer: every write of a twin comes here, and a BigInt is costly.
  counterBytes.writeUInt32BE(Math.floor(counter / 2 ** 32), 0)
  counterBytes.writeUInt32BE(counter % 2 ** 32, 4)
  return counterBytes.toString('base64')
}

/** An identity's etag on the wire: base64 of the counter's decimal digits (`ODgxNTgwOA==`). */
export function formatIdentityEtag(counter: number): string {
  return Buffer.from(String(counter)).toString('base64')
}

/** What a caller demands of an etag: `*` or absent is no demand. Quotes and `W/` are gone already. */
export type EtagCondition = string | undefined

export function etagMatches(condition: EtagCondition, etag: string): boolean {
  return condition === undefined || condition === '*' || condition === etag
}
