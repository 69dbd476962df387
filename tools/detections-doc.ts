import { writeFileSync } from 'node:fs'
import { CATALOGUE, type CatalogueEntry } from '../packages/security/src/detection/catalogue.ts'
import { hubAlertTypes } from '../packages/security/src/detection/hub/index.ts'
import type { AlertType, Rule } from '../packages/security/src/detection/rule.ts'
import { builtInRules } from '../packages/security/src/detection/rules/index.ts'
import {
  corpusLines,
  explainedAlarms,
  falseAlarms,
  type Recall,
  recallByType,
} from '../packages/security/test/detection-figures.ts'

/** `docs/detections.md`, made from the catalogue, the rules, their vectors and the corpus. */
export function detectionsDoc(): string {
  const alarms = falseAlarms()
  const lines = corpusLines().length
  const flagged = new Set(alarms.map(({ line }) => line)).size
  const recall = recallByType()
  const rules = new Map(builtInRules().map((rule) => [rule.type.alertType, rule]))
  const rows = CATALOGUE.map((entry) => {
    const count = alarms.filter(({ alertType }) => alertType === entry.alertType).length
    return row(entry, rules.get(entry.alertType), recall.get(entry.alertType), count)
  })
  const explained = explainedAlarms().map(
    ({ line, alertType, why }) =>
      `| \`${line.replaceAll('|', '\\|')}\` | \`${alertType}\` | ${why} |`,
  )
  const missing = CATALOGUE.filter(({ missing }) => missing).map(
    ({ alertType, missing }) => `| \`${alertType}\` | ${missing} |`,
  )
  const hubRows = hubAlertTypes.map((type) => hubRow(type, recall.get(type.alertType)))
  return `# Detections

Made from the rules, \`vectors/detections/\` and \`vectors/corpus/\` by \`node --conditions=source --import tsx tools/detections-doc.ts\`; do not edit.

**Found**: of the vectors that must fire, how many do. **Left alone**: of those that must stay quiet. **False alarms**: in ${lines.toLocaleString('en')} ordinary
command lines of Debian systems, run one after the other on one device; a dash where the rule does not read commands. All rules together raise
a false alarm on ${flagged} of ${lines.toLocaleString('en')} lines: ${((flagged / lines) * 1000).toFixed(2)} in 1,000.

A severity for legacy agents counts in security groups with \`compat\` set to it ([settings](operate/security-groups.md)).

Sources are kinds of records: \`proc\` processes, \`conn\` connections, \`dns\` names asked for, \`login\`, \`file\` and \`periph\` events, \`ports\`, \`users\`
and \`fw\` snapshots, \`agent\` the agent about itself, \`lists\` imported indicators, \`time\` silence, \`twin\` the state of the security module.

| # | alert | severity | sources | ATT&CK | found | left alone | false alarms |
| --- | --- | --- | --- | --- | --- | --- | --- |
${rows.join('\n')}

Beside the catalogue, \`IoT_AlertFlood\` (Medium) counts what a device raises beyond 20 new alerts in an hour.

## About the hub

Numbers 101 to 110 are published, names and severities too; the others are ours. What causes them: [operate/hub-alerts.md](operate/hub-alerts.md).

| # | alert | severity | ATT&CK | found | left alone |
| --- | --- | --- | --- | --- | --- |
${hubRows.join('\n')}

## False alarms, explained

| line | alert | why it stays |
| --- | --- | --- |
${explained.join('\n')}

## Not yet

| alert | what is missing |
| --- | --- |
${missing.join('\n')}
`
}

function hubRow(
  { number, alertType, severity, techniques }: AlertType,
  recall: Recall | undefined,
): string {
  const found = recall ? `${recall.fired}/${recall.fires}` : '–'
  const quiet = recall ? `${recall.stayedQuiet}/${recall.quiet}` : '–'
  return `| ${number} | \`${alertType}\` | ${severity} | ${techniques.join(', ')} | ${found} | ${quiet} |`
}

function row(
  { number, alertType, severity, sources, legacy }: CatalogueEntry,
  rule: Rule | undefined,
  recall: Recall | undefined,
  alarms: number,
): string {
  const found = recall ? `${recall.fired}/${recall.fires}` : '–'
  const quiet = recall ? `${recall.stayedQuiet}/${recall.quiet}` : '–'
  const techniques = rule?.type.techniques.join(', ') ?? '–'
  const count = rule?.kinds.includes('proc') ? String(alarms) : '–'
  const shown = legacy ? `${severity}, legacy ${legacy}` : severity
  return `| ${number} | \`${alertType}\` | ${shown} | ${sources} | ${techniques} | ${found} | ${quiet} | ${count} |`
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  writeFileSync(new URL('../docs/detections.md', import.meta.url), detectionsDoc())
}
