import { HubError } from '@twinward/protocol'
import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import {
  CHECK_RESULTS,
  CHECK_SEVERITIES,
  type CheckResult,
  type CheckState,
  complianceOf,
  type DeviceBaseline,
  openChecks,
} from '../baseline/baseline.ts'
import type { BaselineTotals } from '../baseline/baseline-store.ts'
import { countBaseline, countGroups } from '../baseline/counts.ts'
import { disabledMatcher } from '../baseline/disabled-checks.ts'
import { catalogueGroup, catalogueTitle, titleOf } from '../baseline/titles.ts'
import type { SecurityService } from '../security.ts'
import {
  defined,
  formatTime,
  optionalText,
  PAGE_PARAMETERS,
  type PageQuery,
  readPage,
  readWord,
} from './query.ts'

/** As `result` in filters and answers: what is switched off is `disabled`, however it came out. */
const SHOWN_RESULTS = [...CHECK_RESULTS, 'disabled'] as const
type ShownResult = CheckResult | 'disabled'

interface DeviceQuery {
  readonly device?: string
  readonly benchmark?: string
  readonly result?: string
  readonly severity?: string
  readonly group?: string
}

const Check = Type.Object({ id: Type.String({ description: 'Such as 5.2.7 or CCE-14027-7' }) })

/** `/api/security/baseline` (security 06 §6, 09 §3 Q11). */
export function baselineRoutes(
  app: FastifyInstance,
  { security }: { readonly security: SecurityService },
): void {
  const { baselines } = security
  const tags = ['security']
  const benchmark = optionalText('Such as cis-dil-2.0.0 or oms-linux-1')

  app.get<{ Querystring: DeviceQuery }>(
    '/api/security/baseline',
    {
      schema: {
        tags,
        summary: 'The baseline checks of a device: counts by group, and each check',
        querystring: Type.Object({
          device: optionalText('Device id; needed'),
          benchmark,
          result: optionalText(`Some of ${SHOWN_RESULTS.join(', ')}, with commas`),
          severity: optionalText(CHECK_SEVERITIES.join(', ')),
          group: optionalText('A group of checks'),
        }),
      },
    },
    async ({ query }) => deviceView(await security.deviceBaselines(requireDevice(query)), query),
  )

  app.get<{ Querystring: PageQuery & { readonly benchmark?: string } }>(
    '/api/security/baseline/devices',
    {
      schema: {
        tags,
        summary: 'List what fails on each device, by device id',
        querystring: Type.Object({ benchmark, ...PAGE_PARAMETERS }),
      },
    },
    async ({ query }) => {
      const filter = defined({ benchmark: query.benchmark?.toLowerCase() })
      const page = await baselines.list({ ...readPage(query), ...filter })
      return { items: page.items.map(failuresView), continuationToken: page.continuationToken }
    },
  )

  app.get<{
    Params: Static<typeof Check>
    Querystring: PageQuery & { readonly benchmark?: string }
  }>(
    '/api/security/baseline/checks/:id',
    {
      schema: {
        tags,
        summary: 'List the devices that fail a check, by device id',
        params: Check,
        querystring: Type.Object({ benchmark, ...PAGE_PARAMETERS }),
      },
    },
    async ({ params, query }) => {
      const page = readPage(query)
      const found = await baselines.failures(params.id, query.benchmark, page)
      const { checkId, benchmark: of, items, continuationToken } = found
      return {
        ...checkHead(checkId, of),
        items: items.map(({ sinceMs, ...one }) => ({ ...one, sinceUtc: formatTime(sinceMs) })),
        continuationToken,
      }
    },
  )

  app.get(
    '/api/security/baseline/summary',
    { schema: { tags, summary: 'The baselines of all devices in numbers' } },
    async () => summaryView(await baselines.totals()),
  )
}

function requireDevice({ device }: DeviceQuery): string {
  if (device !== undefined && device !== '') return device
  throw new HubError('ArgumentInvalid', 'Give device, the id of one.')
}

function deviceView(baselines: readonly DeviceBaseline[], query: DeviceQuery): object {
  const results = query.result
    ?.split(',')
    .map((word) => readWord('result', word.trim(), SHOWN_RESULTS))
  const severity = readWord('severity', query.severity, CHECK_SEVERITIES)
  const group = query.group?.toLowerCase()
  const of = query.benchmark?.toLowerCase()
  const asked = baselines.filter((one) => of === undefined || one.benchmark === of)
  const items = asked.flatMap((baseline) => {
    const isDisabled = disabledMatcher(baseline.disabled)
    return baseline.checks
      .map((check) => ({
        check,
        result: isDisabled(check) ? ('disabled' as const) : check.result,
      }))
      .filter(
        ({ check, result }) =>
          (results === undefined || results.includes(result)) &&
          (severity === undefined || check.severity === severity) &&
          (group === undefined || check.group.toLowerCase() === group),
      )
      .map(({ check, result }) => checkView(check, result, baseline.benchmark))
  })
  return { deviceId: query.device, benchmarks: asked.map(benchmarkView), items }
}

function benchmarkView(baseline: DeviceBaseline): object {
  const { benchmark, evaluatedMs, tellsPasses, leftOut, disabled } = baseline
  return {
    benchmark,
    evaluatedUtc: formatTime(evaluatedMs),
    ...countsView(countBaseline(baseline)),
    tellsPasses,
    leftOut,
    disabledByConfiguration: disabled,
    groups: countGroups(baseline).map(({ group, counts }) => ({ group, ...countsView(counts) })),
  }
}

function countsView(counts: ReturnType<typeof countBaseline>): object {
  const { pass, fail, error, skip, disabled, assumedPass } = counts
  return {
    compliance: shownRatio(counts),
    counts: { pass, fail, error, skip, disabled, assumedPass },
  }
}

/** To four places; `null` when nothing was checked. */
function shownRatio(counts: Parameters<typeof complianceOf>[0]): number | null {
  const ratio = complianceOf(counts)
  return ratio === undefined ? null : Math.round(ratio * 10_000) / 10_000
}

function checkView(check: CheckState, result: ShownResult, benchmark: string): object {
  const { id, group, severity, error, description, remediation } = check
  return {
    benchmark,
    ...{ checkId: id, title: titleOf(check, benchmark), group, severity, result },
    // What it came out as before it was switched off.
    ...(result === 'disabled' && { lastResult: check.result, note: 'disabled by configuration' }),
    ...{ error, description, remediation },
    firstFailedUtc: formatTime(check.firstFailedMs),
    lastChangedUtc: formatTime(check.lastChangedMs),
  }
}

function failuresView(baseline: DeviceBaseline): object {
  const { deviceId, benchmark, evaluatedMs } = baseline
  return {
    deviceId,
    benchmark,
    evaluatedUtc: formatTime(evaluatedMs),
    ...countsView(countBaseline(baseline)),
    failures: openChecks(baseline).map((check) => ({
      ...{ checkId: check.id, title: titleOf(check, benchmark), group: check.group },
      ...{ severity: check.severity, result: check.result },
      firstFailedUtc: formatTime(check.firstFailedMs),
    })),
  }
}

function checkHead(checkId: string, benchmark: string) {
  return {
    ...{ benchmark, checkId, title: catalogueTitle(checkId, benchmark) || checkId },
    group: catalogueGroup(checkId, benchmark),
  }
}

function summaryView({ benchmarks, checks }: BaselineTotals): object {
  const groups = new Map<string, { readonly benchmark: string; group: string; failures: number }>()
  for (const { benchmark, checkId, failing, errors } of checks) {
    const group = catalogueGroup(checkId, benchmark)
    const key = `${benchmark}\n${group}`
    const sum = groups.get(key) ?? { benchmark, group, failures: 0 }
    sum.failures += failing + errors
    groups.set(key, sum)
  }
  return {
    benchmarks: benchmarks.map(({ benchmark, devices, ...counts }) => ({
      ...{ benchmark, devices, compliance: shownRatio(counts), counts },
    })),
    groups: [...groups.values()].sort((a, b) => b.failures - a.failures),
    checks: checks.map(({ benchmark, checkId, failing, errors }) => ({
      ...checkHead(checkId, benchmark),
      ...{ failing, errors },
    })),
  }
}
