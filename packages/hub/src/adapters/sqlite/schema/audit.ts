/** What happened to the hub itself. */
export const createAudit = 'SELECT 1'
