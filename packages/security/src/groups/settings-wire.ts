import { formatDuration, HubError, parseDuration } from '@twinward/protocol'
import { parseAllowedListeners } from '../recommendations/allowed-listeners.ts'
import {
  type DatedWindow,
  DEFAULT_GROUP_SETTINGS,
  type GroupSettings,
  type HardwareMatch,
  type WeeklyWindow,
} from './group-settings.ts'
import type { Reading } from './reading.ts'

/** Windows of a group, of each of both kinds. */
export const MAX_WINDOWS = 100
/** Entries of a list of settings. */
export const MAX_SETTING_ENTRIES = 1000
/** Failed logins that may be asked for: so many times are remembered of each device. */
export const MAX_FAILED_LOGINS = 100
const MAX_FAILED_WINDOW_MS = 24 * 3_600_000
const MIN_WEEKLY_MS = 60_000
const MAX_WEEKLY_MS = 7 * 24 * 3_600_000
/** Characters of a user's name, of a member of a hardware match, of a reason. */
const MAX_NAME_CHARACTERS = 128
const MAX_REASON_CHARACTERS = 256
const MAX_LISTENER_CHARACTERS = 100
const MINUTE_MS = 60_000

/** In the order of `WeeklyWindow.days`. */
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const
const DAY_NAMES = [
  ...['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'],
] as const
const HARDWARE = [
  ...(['bus', 'class', 'subclass', 'protocol', 'interface', 'vendorId', 'productId'] as const),
] as const
const COMPAT = ['legacy', 'micro'] as const
const MEMBERS = [
  ...(['allowedListeners', 'allowedHardware', 'updateWindows', 'maintenanceWindows'] as const),
  ...(['buildUsers', 'userChangesExpected', 'failedLogins', 'compat', 'learningUntilUtc'] as const),
] as const

/** Reads settings as they are on the wire; what is absent is its default, whatever was before. */
export function readSettings(reading: Reading): GroupSettings {
  const members = reading.members(MEMBERS)
  const compat = readCompat(members.compat)
  return {
    allowedListeners: members.allowedListeners.elements(MAX_SETTING_ENTRIES).map(readListener),
    allowedHardware: members.allowedHardware.elements(MAX_SETTING_ENTRIES).map(readHardware),
    updateWindows: members.updateWindows.elements(MAX_WINDOWS).map(readWeeklyWindow),
    maintenanceWindows: members.maintenanceWindows.elements(MAX_WINDOWS).map(readDatedWindow),
    buildUsers: members.buildUsers
      .elements(MAX_SETTING_ENTRIES)
      .map((each) => each.text(MAX_NAME_CHARACTERS)),
    userChangesExpected: members.userChangesExpected.flag(true),
    failedLogins: readFailedLogins(members.failedLogins),
    ...(compat && { compat }),
    learningUntilMs: members.learningUntilUtc.isAbsent ? 0 : readTime(members.learningUntilUtc),
  }
}

/** Settings as they are on the wire. */
export function settingsView(settings: GroupSettings): object {
  const { allowedListeners, allowedHardware, buildUsers, userChangesExpected } = settings
  const { threshold, windowMs } = settings.failedLogins
  return {
    allowedListeners,
    allowedHardware,
    updateWindows: settings.updateWindows.map(weeklyView),
    maintenanceWindows: settings.maintenanceWindows.map(({ fromMs, toMs, reason }) => ({
      fromUtc: new Date(fromMs).toISOString(),
      toUtc: new Date(toMs).toISOString(),
      reason,
    })),
    buildUsers,
    userChangesExpected,
    failedLogins: { threshold, window: formatDuration(windowMs) },
    compat: settings.compat ?? null,
    learningUntilUtc:
      settings.learningUntilMs === 0 ? null : new Date(settings.learningUntilMs).toISOString(),
  }
}

function weeklyView({ days, startMinute, durationMinutes }: WeeklyWindow): object {
  const two = (part: number) => String(part).padStart(2, '0')
  return {
    days: days.flatMap((day) => DAYS[day] ?? []),
    start: `${two(Math.floor(startMinute / 60))}:${two(startMinute % 60)}`,
    duration: formatDuration(durationMinutes * MINUTE_MS),
  }
}

function readListener(reading: Reading): string {
  const text = reading.text(MAX_LISTENER_CHARACTERS)
  try {
    parseAllowedListeners([text])
  } catch (error) {
    if (!(error instanceof HubError)) throw error
    reading.refuse(`${reading.shown} is no listener such as tcp/22 or udp/*:5353`)
  }
  return text
}

function readHardware(reading: Reading): HardwareMatch {
  const members = Object.entries(reading.members(HARDWARE)).filter(([, each]) => !each.isAbsent)
  if (members.length === 0) reading.refuse(`it names none of ${HARDWARE.join(', ')}`)
  return Object.fromEntries(members.map(([name, each]) => [name, each.text(MAX_NAME_CHARACTERS)]))
}

function readWeeklyWindow(reading: Reading): WeeklyWindow {
  const { days, start, duration } = reading.members(['days', 'start', 'duration'])
  const numbers = days.elements(DAYS.length).map(readDay)
  return {
    days: [...new Set(numbers)].sort((a, b) => a - b),
    startMinute: readMinute(start),
    durationMinutes: readDuration(duration, MIN_WEEKLY_MS, MAX_WEEKLY_MS) / MINUTE_MS,
  }
}

function readDay(reading: Reading): number {
  const text = String(reading.value).toLowerCase()
  const day = DAY_NAMES.findIndex((name) => name === text || name.slice(0, 3) === text)
  if (day < 0) reading.refuse(`${reading.shown} is none of ${DAYS.join(', ')}`)
  return day
}

function readMinute(reading: Reading): number {
  const parts = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(String(reading.value))
  if (!parts) reading.refuse(`${reading.shown} is no time of day in UTC such as 02:30`)
  return Number(parts?.[1] ?? 0) * 60 + Number(parts?.[2] ?? 0)
}

function readDatedWindow(reading: Reading): DatedWindow {
  const { fromUtc, toUtc, reason } = reading.members(['fromUtc', 'toUtc', 'reason'])
  const [fromMs, toMs] = [readTime(fromUtc), readTime(toUtc)]
  if (fromMs >= toMs) reading.refuse('toUtc must be after fromUtc')
  return { fromMs, toMs, reason: reason.isAbsent ? '' : reason.text(MAX_REASON_CHARACTERS) }
}

function readFailedLogins(reading: Reading): GroupSettings['failedLogins'] {
  const absent = DEFAULT_GROUP_SETTINGS.failedLogins
  const { threshold, window } = reading.members(['threshold', 'window'])
  return {
    threshold: threshold.integer(1, MAX_FAILED_LOGINS, absent.threshold),
    windowMs: window.isAbsent
      ? absent.windowMs
      : readDuration(window, MINUTE_MS, MAX_FAILED_WINDOW_MS),
  }
}

function readCompat(reading: Reading): GroupSettings['compat'] {
  const compat = COMPAT.find((each) => each === reading.value)
  if (!compat && !reading.isAbsent) reading.refuse(`${reading.shown} is none of legacy, micro`)
  return compat
}

/** ms of a duration in whole minutes within these bounds. */
export function readDuration(reading: Reading, leastMs: number, mostMs: number): number {
  const ms = typeof reading.value === 'string' ? parseDuration(reading.value) : undefined
  if (ms === undefined) reading.refuse(`${reading.shown} is no ISO 8601 duration such as PT15M`)
  else if (ms < leastMs || ms > mostMs) {
    const bounds = `${formatDuration(leastMs)} to ${formatDuration(mostMs)}`
    reading.refuse(`${reading.shown} is not within ${bounds}`)
  } else if (ms % MINUTE_MS !== 0) reading.refuse(`${reading.shown} has no whole minutes`)
  return ms ?? leastMs
}

/** The years that a date can have here. */
const MAX_TIME_MS = Date.UTC(9999, 11, 31)

/** Any other spelling `Date.parse` would read in the zone of this machine. */
const TIME =
  /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(Z|[+-]\d{2}:?\d{2})?)?$/i

/** ms since the epoch. Without a zone it is UTC. */
function readTime(reading: Reading): number {
  const [, date, time, zone] = TIME.exec(String(reading.value)) ?? []
  const ms = Date.parse(time === undefined ? String(date) : `${date}T${time}${zone ?? 'Z'}`)
  if (ms > 0 && ms <= MAX_TIME_MS) return ms
  reading.refuse(`${reading.shown} is no time such as 2026-01-31T12:00:00Z`)
  return 0
}
