/** Registered CA certificates. */
export const createCertificates = 'SELECT 1'
