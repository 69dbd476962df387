import { writeFileSync } from 'node:fs'
import {
  CATALOGUE,
  type CatalogueEntry,
} from '../packages/security/src/recommendations/catalogue.ts'

/** `docs/recommendations.md`, made from the catalogue of recommendations. */
export function recommendationsDoc(): string {
  const texts = CATALOGUE.map(
    ({ type }) => `### ${type.recommendationType}

${type.displayName}. ${type.description}

${type.remediationSteps.map((step, at) => `${at + 1}. ${step}`).join('\n')}
`,
  )
  return `# Recommendations

Made from the rules by \`node --conditions=source --import tsx tools/recommendations-doc.ts\`; do not edit. How to work with them: [operate/recommendations.md](operate/recommendations.md).

**From**: \`agent\` what the security agent sends, \`twin\` the security module twin and its state, \`deployment\` the desired properties of \`$edgeAgent\`, \`registry\`
the credentials of identities, \`hub\` the hub's own settings and the connections that it has. A type that ends in \`_…\` is one of its own for each thing found; its switch is the name without that.

| recommendation | severity | from | judged by |
| --- | --- | --- | --- |
${CATALOGUE.map(row).join('\n')}

## What each says

${texts.join('\n')}`
}

function row({ type, dataSource, isFamily, computation }: CatalogueEntry): string {
  const name = isFamily ? `${type.recommendationType}_…` : type.recommendationType
  const severity = isFamily ? 'of the check' : type.severity
  return `| \`${name}\` | ${severity} | ${dataSource} | ${computation} |`
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  writeFileSync(new URL('../docs/recommendations.md', import.meta.url), recommendationsDoc())
}
