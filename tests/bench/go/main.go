// SPDX-License-Identifier: MIT

// The work of tests/bench/runtime.c, in Go, row by row and figure by figure.
//
//	bench_go ROW      GOMAXPROCS as for any program; BENCH_TRACE=FILE records with runtime/trace
//	bench_go echo     see echo.go
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"runtime/trace"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

func require(ok bool, what string) {
	if !ok {
		fmt.Fprintln(os.Stderr, "bench_go: wrong result: not", what)
		os.Exit(1)
	}
}

func figure(name string, value float64) {
	fmt.Printf("%s %.2f\n", name, value)
}

func ms(d time.Duration) float64 {
	return float64(d) / 1e6
}

// Switching and channels.

func yield(n int) {
	var wg sync.WaitGroup
	wg.Add(4)
	for i := 0; i < 4; i++ {
		go func() {
			for i := 0; i < n/4; i++ {
				runtime.Gosched()
			}
			wg.Done()
		}()
	}
	wg.Wait()
}

func pingpong(n int) {
	to, from := make(chan int32), make(chan int32)
	go func() {
		for v := range to {
			from <- v
		}
		close(from)
	}()
	sum := 0
	for i := 0; i < n; i++ {
		to <- 1
		sum += int(<-from)
	}
	close(to)
	<-from
	require(sum == n, "sum == n")
}

func buffered(n int) {
	ch := make(chan int32, 128)
	go func() {
		for i := 0; i < n; i++ {
			ch <- 1
		}
		close(ch)
	}()
	sum := 0
	for v := range ch {
		sum += int(v)
	}
	require(sum == n, "sum == n")
}

type feed struct {
	ch   [7]chan int32
	quit chan int32
}

func feedBegin(n, chans int) *feed {
	f := &feed{quit: make(chan int32)}
	for i := 0; i < chans; i++ {
		f.ch[i] = make(chan int32)
	}
	go func() {
		for i := 0; i < n; i++ {
			f.ch[i%chans] <- 1
		}
		close(f.quit)
	}()
	return f
}

func select2(n int) {
	f, sum := feedBegin(n, 1), 0
	for {
		var v int32
		select {
		case v = <-f.ch[0]:
		case <-f.quit:
			require(sum == n, "sum == n")
			return
		}
		sum += int(v)
	}
}

func select8(n int) {
	f, sum := feedBegin(n, 7), 0
	for {
		var v int32
		select {
		case v = <-f.ch[0]:
		case v = <-f.ch[1]:
		case v = <-f.ch[2]:
		case v = <-f.ch[3]:
		case v = <-f.ch[4]:
		case v = <-f.ch[5]:
		case v = <-f.ch[6]:
		case <-f.quit:
			require(sum == n, "sum == n")
			return
		}
		sum += int(v)
	}
}

// Spawning and locks.

func doNothing(wg *sync.WaitGroup) {
	wg.Done()
}

func spawn(n int) {
	var wg sync.WaitGroup
	for wave := 0; wave < n/1000; wave++ {
		wg.Add(1000)
		for i := 0; i < 1000; i++ {
			go doNothing(&wg)
		}
		wg.Wait()
	}
}

type team struct {
	mu   sync.Mutex
	each int
}

func mutex(n int) {
	t := new(team)
	for i := 0; i < n; i++ {
		t.mu.Lock()
		t.each++
		t.mu.Unlock()
	}
	require(t.each == n, "each == n")
}

func mutexYield8(n int) {
	var wg sync.WaitGroup
	t := new(team)
	wg.Add(8)
	for i := 0; i < 8; i++ {
		go func() {
			for i := 0; i < n/8; i++ {
				t.mu.Lock()
				runtime.Gosched()
				t.mu.Unlock()
			}
			wg.Done()
		}()
	}
	wg.Wait()
}

// Crowds.

func statusKB(key string) float64 {
	f, err := os.Open("/proc/self/status")
	require(err == nil, "/proc/self/status")
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if words := strings.Fields(lines.Text()); words[0] == key+":" {
			kb, _ := strconv.ParseFloat(words[1], 64)
			return kb
		}
	}
	return 0
}

func residentBytes() float64 {
	return 1024 * (statusKB("VmRSS") + statusKB("VmPTE"))
}

func cpuMS() float64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e6
}

func skynet(up chan int64, number, size int64) {
	if size == 1 {
		up <- number
		return
	}
	down := make(chan int64)
	for i := int64(0); i < 10; i++ {
		go skynet(down, number+i*(size/10), size/10)
	}
	sum := int64(0)
	for i := 0; i < 10; i++ {
		sum += <-down
	}
	up <- sum
}

func skynetMS(n int64) float64 {
	began := time.Now()
	top := make(chan int64)
	go skynet(top, 0, n)
	require(<-top == n/2*(n-1), "the sum")
	return ms(time.Since(began))
}

func benchSkynet(n int) {
	figure("skynet", skynetMS(int64(n)))
	figure("skynet_rss", statusKB("VmHWM")/1024)
	figure("skynet_again", skynetMS(int64(n)))
}

func benchSleep(n int) {
	var wg sync.WaitGroup
	cpu, began := cpuMS(), time.Now()
	wg.Add(n)
	for i := 0; i < n; i++ {
		go func() {
			for i := 0; i < 10; i++ {
				time.Sleep(time.Millisecond)
			}
			wg.Done()
		}()
	}
	wg.Wait()
	figure("sleep_cpu", cpuMS()-cpu)
	figure("sleep_wall", ms(time.Since(began)))
}

type crowd struct {
	gate          chan int32
	arrived, gone sync.WaitGroup
}

func park(c *crowd) {
	c.arrived.Done()
	<-c.gate
	c.gone.Done()
}

func benchParked(n int) {
	c := &crowd{gate: make(chan int32)}
	before, t0 := residentBytes(), time.Now()
	c.arrived.Add(n)
	c.gone.Add(n)
	for i := 0; i < n; i++ {
		go park(c)
	}
	c.arrived.Wait()
	t1 := time.Now()
	figure("parked_bytes", (residentBytes()-before)/float64(n))
	t2 := time.Now()
	close(c.gate)
	t3 := time.Now()
	c.gone.Wait()
	figure("parked_born", float64(t1.Sub(t0))/float64(n))
	figure("parked_close", ms(t3.Sub(t2)))
	figure("parked_woken", float64(time.Since(t2))/float64(n))
}

// The sieve.

func sift(in, out chan int32, prime int32) {
	for {
		if v := <-in; v%prime != 0 {
			out <- v
		}
	}
}

func benchSieve(n int) {
	began := time.Now()
	ch, prime := make(chan int32), int32(0)
	go func(ch chan int32) {
		for i := int32(2); ; i++ {
			ch <- i
		}
	}(ch)
	for i := 0; i < n; i++ {
		prime = <-ch
		out := make(chan int32)
		go sift(ch, out, prime)
		ch = out
	}
	figure("sieve", ms(time.Since(began)))
	require(n != 512 || prime == 3671, "prime == 3671")
}

type row struct {
	n          int
	run        func(n int)
	ownFigures bool // else: ns an operation
}

var rows = map[string]row{
	"yield":        {4000000, yield, false},
	"pingpong":     {1000000, pingpong, false},
	"buffered":     {5000000, buffered, false},
	"spawn":        {1000000, spawn, false},
	"select2":      {800000, select2, false},
	"select8":      {400000, select8, false},
	"mutex":        {20000000, mutex, false},
	"mutex_yield8": {1600000, mutexYield8, false},
	"skynet":       {1000000, benchSkynet, true},
	"sleep":        {100000, benchSleep, true},
	"parked":       {1000000, benchParked, true},
	"sieve":        {512, benchSieve, true},
}

func main() {
	name := ""
	if len(os.Args) > 1 {
		name = os.Args[1]
	}
	r, ok := rows[name]
	if name == "echo" {
		echo()
	} else if !ok {
		fmt.Fprintf(os.Stderr, "bench_go: no row '%s'\n", name)
		os.Exit(2)
	}
	if path := os.Getenv("BENCH_TRACE"); path != "" {
		f, err := os.Create(path)
		require(err == nil && trace.Start(f) == nil, "recording")
		defer trace.Stop()
	}
	if r.ownFigures {
		r.run(r.n)
		return
	}
	r.run(r.n / 10)
	began := time.Now()
	r.run(r.n)
	figure(name, float64(time.Since(began))/float64(r.n))
}
