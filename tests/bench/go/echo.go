// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"net"
	"os"
)

// echo listens on a free port of 127.0.0.1, prints it, and sends back what each connection sends,
// a goroutine a connection, until it is killed.
func echo() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require(err == nil, "listening")
	fmt.Println(l.Addr().(*net.TCPAddr).Port)
	for {
		c, err := l.Accept()
		if err != nil {
			os.Exit(1)
		}
		go func() {
			defer c.Close()
			buf := make([]byte, 4096)
			for {
				n, err := c.Read(buf)
				if err != nil {
					return
				}
				if _, err := c.Write(buf[:n]); err != nil {
					return
				}
			}
		}()
	}
}
