/** Suppressions of alerts. */
export const createSuppressions = 'SELECT 1'
