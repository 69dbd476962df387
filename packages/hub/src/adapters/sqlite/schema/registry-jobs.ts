/** Import and export jobs. */
export const createRegistryJobs = 'SELECT 1'
