import type { CustomChecks } from './custom-checks.ts'
import type { RawCheck, RawChecks } from './read-checks.ts'

/** A document of the published schema as `readChecks` wants it, which judges what it says. Pure. */
export function rawOfDocument({ baselineId, checks }: CustomChecks): RawChecks {
  return {
    baselineId,
    warnings: [],
    checks: checks.map(({ variants, ...fields }, at): RawCheck => {
      const place = `checks[${at}]`
      return {
        place,
        fields: fieldsOf(fields),
        variants: variants.map(({ dependsOnFile, unsupported: _, ...given }, index) => ({
          place: `${place}.variants[${index}]`,
          fields: fieldsOf(given),
          ...(dependsOnFile !== undefined && { dependsOnFile }),
        })),
      }
    }),
  }
}

function fieldsOf(given: object): ReadonlyMap<string, string> {
  return new Map(Object.entries(given).map(([name, value]) => [name, String(value)]))
}
