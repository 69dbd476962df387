import { Type } from 'typebox'
import { CHECK_SEVERITIES } from '../baseline.ts'
import { ARGUMENTS, COMMAND_NAMES } from './commands.ts'
import {
  FORMAT,
  MAX_ARGUMENT_CHARACTERS,
  MAX_AUDIT_TEXT_CHARACTERS,
  MAX_AUDITS,
  MAX_ID_CHARACTERS,
  MAX_VARIANTS,
} from './custom-checks.ts'

const DESCRIPTIONS = {
  path: 'Absolute; for CheckMatchingLinesInFiles several with |',
  regex: 'In the syntax of RE2',
  filter: 'Selects the lines that count, in the syntax of RE2',
  key: 'A section header, or a field of shadow',
  expect: 'What is wanted: root root 644, running, before, or a section',
  value: 'What is compared with: now',
  service: 'Names with commas',
  packagename: 'Names with commas, or a pattern for commands on Regexp',
} as const

const Text = Type.String({ maxLength: MAX_AUDIT_TEXT_CHARACTERS })
const Id = Type.String({ minLength: 1, maxLength: MAX_ID_CHARACTERS })

const Variant = Type.Object(
  {
    distro: Type.String({ maxLength: 256, description: '* or such as Debian>=11|!SLES' }),
    command: Type.Union(COMMAND_NAMES.map((name) => Type.Literal(name))),
    ...Object.fromEntries(
      ARGUMENTS.map((name) => [
        name,
        Type.Optional(
          Type.String({ maxLength: MAX_ARGUMENT_CHARACTERS, description: DESCRIPTIONS[name] }),
        ),
      ]),
    ),
    dependsOnFile: Type.Optional(
      Type.String({ maxLength: MAX_ARGUMENT_CHARACTERS, description: 'Skipped without this file' }),
    ),
    unsupported: Type.Optional(
      Type.String({ description: 'Why agents report an error instead; found by the service' }),
    ),
  },
  { additionalProperties: false },
)

/** Checks of an operator's own, as agents get them. */
export const CustomChecksSchema = Type.Object(
  {
    format: Type.Literal(FORMAT),
    baselineId: Type.String({ maxLength: MAX_ID_CHARACTERS }),
    checks: Type.Array(
      Type.Object(
        {
          msid: Id,
          cceid: Type.Optional(Id),
          ruleId: Type.Optional(Id),
          severity: Type.Union(CHECK_SEVERITIES.map((name) => Type.Literal(name))),
          description: Text,
          impact: Type.Optional(Text),
          remediation: Type.Optional(Text),
          variants: Type.Array(Variant, { minItems: 1, maxItems: MAX_VARIANTS }),
        },
        { additionalProperties: false },
      ),
      { minItems: 1, maxItems: MAX_AUDITS },
    ),
  },
  { additionalProperties: false },
)
