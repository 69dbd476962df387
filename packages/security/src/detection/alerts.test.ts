import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { emptyMemory, processRecord } from '../../test/records.ts'
import type { Alert, AlertStatus } from './alert.ts'
import {
  addNote,
  assign,
  changeStatus,
  DEDUPE_WINDOW_MS,
  dedupeKey,
  EVIDENCE_AT_EACH_END,
  MAX_ASSIGNEE_CHARACTERS,
  MAX_HISTORY,
  MAX_NOTE_CHARACTERS,
  MAX_NOTES,
  openOrUpdate,
  opensAlert,
} from './alerts.ts'
import { evaluateRecords, type Finding } from './evaluate.ts'
import { builtInRules } from './rules/index.ts'

const START_MS = 1_700_000_000_000

/** A find of rule 2, `timeMs` after the start. */
function find(timeMs = 0, eventId = `e${timeMs}`, cmd = 'iptables -F'): Finding {
  const record = processRecord({ cmd }, { eventId, timeMs: START_MS + timeMs })
  const [finding] = evaluateRecords([record], builtInRules(), emptyMemory())
  assert.ok(finding)
  return finding
}

function after(findings: readonly Finding[], existing?: Alert): Alert {
  let alert = existing
  for (const finding of findings) alert = openOrUpdate(alert, finding, START_MS + 1, () => 'id-1')
  assert.ok(alert)
  return alert
}

function inStatus(alert: Alert, status: AlertStatus): Alert {
  return changeStatus(alert, { status, timeMs: START_MS + 2, by: 'ann', note: '' })
}

test('openOrUpdate: the first finding opens an alert with the texts of its type', () => {
  const finding = find()
  const alert = after([finding])
  const { number: _, ...texts } = finding.rule.type
  assert.deepEqual(alert, {
    ...texts,
    id: 'id-1',
    deviceId: 'pump-1',
    status: 'Active',
    startTimeMs: START_MS,
    endTimeMs: START_MS,
    count: 1,
    dedupeKey: dedupeKey(finding),
    entities: finding.match.entities,
    extendedProperties: finding.match.extendedProperties,
    evidence: [{ eventId: 'e0', element: 0, timeMs: START_MS, summary: finding.match.summary }],
    assignee: '',
    notes: [],
    history: [{ status: 'Active', timeMs: START_MS + 1, by: 'engine', note: '' }],
  })
})

test('openOrUpdate: findings within the window count, extend the times, keep ten evidences', () => {
  const findings = Array.from({ length: 30 }, (_, at) => find(at * 1000))
  const alert = after(findings)
  assert.equal(alert.count, 30)
  assert.equal(alert.endTimeMs, START_MS + 29_000)
  const kept = [0, 1, 2, 3, 4, 25, 26, 27, 28, 29].map((at) => `e${at * 1000}`)
  assert.deepEqual(
    alert.evidence.map(({ eventId }) => eventId),
    kept,
  )
})

test('openOrUpdate: the window runs from the last evidence, and ends', () => {
  const near = after([find(), find(DEDUPE_WINDOW_MS), find(2 * DEDUPE_WINDOW_MS)])
  assert.equal(near.count, 3)
  const far = openOrUpdate(near, find(3 * DEDUPE_WINDOW_MS + 1), START_MS, () => 'id-2')
  assert.equal(far.id, 'id-2')
  assert.equal(far.count, 1)
  assert.equal(far.dedupeKey, near.dedupeKey)
})

test('openOrUpdate: an event that comes late moves the start', () => {
  const alert = after([find(10_000), find(4000)])
  assert.equal(alert.startTimeMs, START_MS + 4000)
  assert.equal(alert.endTimeMs, START_MS + 10_000)
  assert.ok(opensAlert(alert, find(4000 - DEDUPE_WINDOW_MS - 1)))
})

test('openOrUpdate: what a person set stays; resolved opens anew, dismissed counts', () => {
  const alert = after([find()])
  const inProgress = after([find(1)], inStatus(alert, 'InProgress'))
  assert.deepEqual([inProgress.status, inProgress.count, inProgress.id], ['InProgress', 2, 'id-1'])

  const dismissed = after([find(1)], inStatus(alert, 'Dismissed'))
  assert.deepEqual([dismissed.status, dismissed.count, dismissed.id], ['Dismissed', 2, 'id-1'])

  const resolved = inStatus(alert, 'Resolved')
  const anew = openOrUpdate(resolved, find(1), START_MS, () => 'id-2')
  assert.deepEqual([anew.status, anew.count, anew.id], ['Active', 1, 'id-2'])
})

test('openOrUpdate: evidence that is held changes nothing, whatever the status', () => {
  const alert = after([find(), find(1)])
  for (const replayed of [alert, inStatus(alert, 'Resolved'), inStatus(alert, 'Dismissed')]) {
    assert.equal(
      openOrUpdate(replayed, find(), START_MS, () => 'id-2'),
      replayed,
    )
    assert.equal(opensAlert(replayed, find(1)), false)
  }
})

test('openOrUpdate: two records of one event are two evidences', () => {
  const finding = find()
  const alert = after([finding, { ...finding, element: 1 }, { ...finding, element: 1 }])
  assert.equal(alert.count, 2)
})

test('openOrUpdate: a replay of any tail of the findings never opens a second alert', () => {
  const times = fc.array(fc.integer({ min: 0, max: DEDUPE_WINDOW_MS }), {
    minLength: 1,
    maxLength: 40,
  })
  fc.assert(
    fc.property(times, fc.nat(), (list, cut) => {
      const findings = list.map((timeMs, at) => find(timeMs, `e${at}`))
      const once = after(findings)
      const twice = after(findings.slice(cut % findings.length), once)
      assert.equal(twice.id, once.id)
      assert.equal(twice.status, once.status)
      assert.equal(once.count, findings.length)
      assert.ok(twice.evidence.length <= 2 * EVIDENCE_AT_EACH_END)
      if (findings.length <= 2 * EVIDENCE_AT_EACH_END) assert.equal(twice, once)
    }),
    { numRuns: 50 },
  )
})

test('openOrUpdate: a severer finding raises the alert, a milder one leaves it', () => {
  const finding = find()
  const low = { ...finding, match: { ...finding.match, severity: 'Low' as const } }
  const alert = after([low])
  assert.equal(alert.severity, 'Low')
  assert.equal(after([find(1)], alert).severity, 'High')
  assert.equal(after([find(1), { ...low, element: 5 }], alert).severity, 'High')
})

test('dedupeKey: apart by device, type and thing found, however they are joined', () => {
  const base = find()
  const other = find(0, 'e', 'ufw disable')
  const record = processRecord({ cmd: 'iptables -F' }, { ref: { deviceId: 'pump-2' } })
  const history = find(0, 'e', 'history -c')
  const keys = [base, other, { ...base, record }, history].map(dedupeKey)
  assert.equal(new Set(keys).size, 4)
  assert.ok(keys.every((key) => key.length === 64))
  assert.equal(dedupeKey(base), dedupeKey(find(9, 'other')))
})

test('changeStatus: exactly the transitions of the lifecycle, and the refusal names them', () => {
  const allowed: { readonly [from in AlertStatus]: readonly AlertStatus[] } = {
    Active: ['InProgress', 'Resolved', 'Dismissed'],
    InProgress: ['Active', 'Resolved', 'Dismissed'],
    Resolved: ['Active'],
    Dismissed: ['Active'],
  }
  const statuses = ['Active', 'InProgress', 'Resolved', 'Dismissed'] as const
  for (const from of statuses) {
    const alert = { ...after([find()]), status: from }
    for (const to of statuses) {
      if (allowed[from].includes(to)) {
        assert.deepEqual(inStatus(alert, to).history.at(-1), {
          status: to,
          timeMs: START_MS + 2,
          by: 'ann',
          note: '',
        })
      } else assert.throws(() => inStatus(alert, to), { name: 'HubError', code: 'ArgumentInvalid' })
    }
  }
  const dismissed = inStatus(after([find()]), 'Dismissed')
  assert.throws(() => inStatus(dismissed, 'Resolved'), /Dismissed can become Active, not Resolved/)
})

test('changeStatus: the history keeps its opening and the newest changes', () => {
  let alert = after([find()])
  for (let at = 0; at < MAX_HISTORY; at++) {
    alert = inStatus(inStatus(alert, 'Dismissed'), 'Active')
  }
  assert.equal(alert.history.length, MAX_HISTORY)
  assert.equal(alert.history[0]?.by, 'engine')
  assert.equal(alert.history.at(-1)?.status, 'Active')
})

test('assign and addNote: within their limits, refused beyond', () => {
  const alert = after([find()])
  assert.equal(assign(alert, ' ann ').assignee, 'ann')
  assert.equal(assign(assign(alert, 'ann'), '').assignee, '')
  const refused = { name: 'HubError', code: 'ArgumentInvalid' }
  assert.throws(() => assign(alert, 'a'.repeat(MAX_ASSIGNEE_CHARACTERS + 1)), refused)
  const note = { timeMs: 1, by: 'ann', text: 'seen' }
  assert.deepEqual(addNote(alert, note).notes, [note])
  assert.throws(() => addNote(alert, { ...note, text: ' ' }), refused)
  assert.throws(
    () => addNote(alert, { ...note, text: 'a'.repeat(MAX_NOTE_CHARACTERS + 1) }),
    refused,
  )
  const full = { ...alert, notes: Array.from({ length: MAX_NOTES }, () => note) }
  assert.throws(() => addNote(full, note), refused)
})
