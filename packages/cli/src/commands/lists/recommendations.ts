import type { CommandEntry } from '../../command.ts'

/** Commands on recommendations and what they are made of, in the order of the help. */
export const recommendationsCommands: readonly CommandEntry[] = [
  {
    name: 'security recommendations show',
    summary: 'Show a recommendation with what to do about it and its history.',
    load: async () =>
      (await import('../security-recommendations-show.ts')).securityRecommendationsShow,
  },
  {
    name: 'security recommendations exempt',
    summary: 'Accept a recommendation, for good or until a time.',
    load: async () =>
      (await import('../security-recommendations-exempt.ts')).securityRecommendationsExempt,
  },
  {
    name: 'security recommendations reopen',
    summary: 'End the exemption of a recommendation.',
    load: async () =>
      (await import('../security-recommendations-reopen.ts')).securityRecommendationsReopen,
  },
  {
    name: 'security recommendations aggregated',
    summary: 'Show how many devices have which recommendation.',
    load: async () =>
      (await import('../security-recommendations-aggregated.ts')).securityRecommendationsAggregated,
  },
  {
    name: 'security recommendations types',
    summary: 'List the types of recommendations and whether they are on.',
    load: async () =>
      (await import('../security-recommendations-types.ts')).securityRecommendationsTypes,
  },
  {
    name: 'security recommendations type set',
    summary: 'Switch a type of recommendations on or off.',
    load: async () =>
      (await import('../security-recommendations-type-set.ts')).securityRecommendationsTypeSet,
  },
  {
    name: 'security vulnerability list',
    summary: 'List the vulnerabilities of the imported feeds.',
    load: async () => (await import('../security-vulnerability-list.ts')).securityVulnerabilityList,
  },
  {
    name: 'security vulnerability import',
    summary: 'Import a feed of vulnerabilities (OSV) to compare packages of devices with.',
    load: async () =>
      (await import('../security-vulnerability-import.ts')).securityVulnerabilityImport,
  },
  {
    name: 'security vulnerability delete',
    summary: 'Forget a vulnerability, or a whole feed.',
    load: async () =>
      (await import('../security-vulnerability-delete.ts')).securityVulnerabilityDelete,
  },
]
