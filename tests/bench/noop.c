/*
 * noop - a FastCGI responder that answers 200 and does nothing else.
 *
 * What it takes is what the web server, the protocol and libfcgi take: the
 * floor that `make bench` compares with.
 */
#include <fcgiapp.h>
#include <unistd.h>

int
main(void)
{
	FCGX_Request request;

	if (FCGX_Init() != 0 || FCGX_InitRequest(&request, 0, 0) != 0)
		return 1;
	while (FCGX_Accept_r(&request) == 0) {
		FCGX_PutS("Status: 200\r\nContent-Length: 0\r\n\r\n",
		    request.out);
		FCGX_Finish_r(&request);
	}
	return 0;
}
