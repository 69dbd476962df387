/** Outcomes of baseline checks, by device and benchmark. */
export const createBaseline = 'SELECT 1'
