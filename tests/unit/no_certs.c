/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * no_certs.c - Criterion brings libgit2, which brings mbedtls and has it read all of the
 * machine's certificates as each test starts: a third of a short test's time with
 * AddressSanitizer.  No test speaks TLS, so this stands before mbedtls' own.
 */

__attribute__((visibility("default"))) int mbedtls_x509_crt_parse_file(void *chain,
								       const char *path);

int mbedtls_x509_crt_parse_file(void *chain, const char *path)
{
	(void)chain, (void)path;
	return 0;
}
