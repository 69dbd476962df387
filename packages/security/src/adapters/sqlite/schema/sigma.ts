/** Sigma rules that operators loaded. */
export const createSigma = 'SELECT 1'
