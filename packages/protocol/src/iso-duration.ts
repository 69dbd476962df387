const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const WEEK_MS = 7 * DAY_MS
/** Longer texts are no durations; keeps a hostile one from costing time. */
const MAX_CHARACTERS = 64

const DURATION =
  /^P(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/

/**
 * Milliseconds of an ISO 8601 duration, or `undefined` when it is none:
 * `PT7M` → 420000, `P1DT12H` → 129600000, `PT1.5S` → 1500.
 *
 * Years and months have no fixed length and are refused. One exception, `agentMonths`: the C agent
 * writes 30 days as `P1M` into its reported properties, whatever the desired spelling was.
 */
export function parseDuration(
  text: string,
  { agentMonths = false }: { readonly agentMonths?: boolean } = {},
): number | undefined {
  if (text.length > MAX_CHARACTERS || text.endsWith('T')) return undefined
  const match = DURATION.exec(text)
  if (match === null) return undefined
  const [, months, weeks, days, , hours, minutes, seconds] = match
  const parts = [months, weeks, days, hours, minutes, seconds]
  if (parts.every((part) => part === undefined)) return undefined
  if (months !== undefined && !agentMonths) return undefined
  const ms =
    Number(months ?? 0) * 30 * DAY_MS +
    Number(weeks ?? 0) * WEEK_MS +
    Number(days ?? 0) * DAY_MS +
    Number(hours ?? 0) * HOUR_MS +
    Number(minutes ?? 0) * MINUTE_MS +
    Math.round(Number(seconds ?? 0) * SECOND_MS)
  return Number.isSafeInteger(ms) ? ms : undefined
}

/**
 * The shortest spelling in days, hours, minutes and seconds: 90000 → `PT1M30S`, 0 → `PT0S`.
 * Without weeks, because .NET's duration parser knows none.
 */
export function formatDuration(ms: number): string {
  const days = Math.floor(ms / DAY_MS)
  const hours = Math.floor((ms % DAY_MS) / HOUR_MS)
  const minutes = Math.floor((ms % HOUR_MS) / MINUTE_MS)
  const seconds = (ms % MINUTE_MS) / SECOND_MS
  const date = days > 0 ? `${days}D` : ''
  const time = [
    hours > 0 ? `${hours}H` : '',
    minutes > 0 ? `${minutes}M` : '',
    seconds > 0 ? `${seconds}S` : '',
  ].join('')
  if (date === '' && time === '') return 'PT0S'
  return time === '' ? `P${date}` : `P${date}T${time}`
}
