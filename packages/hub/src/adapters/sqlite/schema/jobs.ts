/** Scheduled jobs and their outcome per device. */
export const createJobs = 'SELECT 1'
