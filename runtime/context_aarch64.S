/* SPDX-License-Identifier: MIT */
/*
 * context_aarch64.S: the switch for AArch64, the procedure call standard of Arm.
 *
 * A saved context, from its stack pointer up:
 *
 *	  0  x29 (frame pointer)    8  x30 (return address)
 *	 16  x19 .. x28
 *	 96  d8 .. d15              the low halves of v8 to v15: no more is preserved by a callee
 *	160  FPCR                   rounding mode and the like
 *	168  nothing: 176 bytes keep the stack pointer a multiple of 16
 *
 * Loading FPCR waits for all that computes, so it is loaded only if it differs.
 *
 * It leaves by `ret`, which the return predictor gets wrong every time; a plain branch instead
 * would have to lead to a landing pad on CPUs that check indirect branches, and a return address
 * has none.  hint #34 is `bti c`, the landing pad of an indirect call; older CPUs and assemblers
 * take it for a nop.  Return addresses are not signed here.
 */
#if defined(__aarch64__)
	.text
	.globl	gor__context_switch
	.hidden	gor__context_switch
	.type	gor__context_switch, %function
	.p2align 4
gor__context_switch:
	.cfi_startproc
	hint	#34
	stp	x29, x30, [sp, #-176]!
	.cfi_def_cfa_offset 176
	.cfi_offset x29, -176
	.cfi_offset x30, -168
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x25, x26, [sp, #64]
	stp	x27, x28, [sp, #80]
	stp	d8, d9, [sp, #96]
	stp	d10, d11, [sp, #112]
	stp	d12, d13, [sp, #128]
	stp	d14, d15, [sp, #144]
	mrs	x9, fpcr
	str	x9, [sp, #160]
	mov	x10, sp
	str	x10, [x0]
	mov	sp, x1
	ldr	x11, [sp, #160]
	cmp	x9, x11
	b.ne	2f
1:	ldp	d14, d15, [sp, #144]
	ldp	d12, d13, [sp, #128]
	ldp	d10, d11, [sp, #112]
	ldp	d8, d9, [sp, #96]
	ldp	x27, x28, [sp, #80]
	ldp	x25, x26, [sp, #64]
	ldp	x23, x24, [sp, #48]
	ldp	x21, x22, [sp, #32]
	ldp	x19, x20, [sp, #16]
	ldp	x29, x30, [sp], #176
	.cfi_remember_state
	.cfi_restore x29
	.cfi_restore x30
	.cfi_def_cfa_offset 0
	ret
	.cfi_restore_state
2:	msr	fpcr, x11
	b	1b
	.cfi_endproc
	.size	gor__context_switch, . - gor__context_switch

/* First code of a new context: x19 entry, x20 arg.  The unwind chain ends here. */
	.globl	gor__context_entry
	.hidden	gor__context_entry
	.type	gor__context_entry, %function
	.p2align 4
gor__context_entry:
	.cfi_startproc
	.cfi_undefined x30
	hint	#34
	mov	x29, #0
	mov	x30, #0
	mov	x0, x20
	blr	x19
	brk	#1
	.cfi_endproc
	.size	gor__context_entry, . - gor__context_entry

/* void *gor__context_make(void *top, void (*entry)(void *), void *arg) */
	.globl	gor__context_make
	.hidden	gor__context_make
	.type	gor__context_make, %function
	.p2align 4
gor__context_make:
	.cfi_startproc
	hint	#34
	sub	x0, x0, #176
	adrp	x9, gor__context_entry
	add	x9, x9, :lo12:gor__context_entry
	stp	xzr, x9, [x0]
	stp	x1, x2, [x0, #16]
	stp	xzr, xzr, [x0, #32]
	stp	xzr, xzr, [x0, #48]
	stp	xzr, xzr, [x0, #64]
	stp	xzr, xzr, [x0, #80]
	stp	xzr, xzr, [x0, #96]
	stp	xzr, xzr, [x0, #112]
	stp	xzr, xzr, [x0, #128]
	stp	xzr, xzr, [x0, #144]
	mrs	x9, fpcr
	stp	x9, xzr, [x0, #160]
	ret
	.cfi_endproc
	.size	gor__context_make, . - gor__context_make

/* Tells the linker that all code here has landing pads: 0xc0000000 AArch64 features, 1 BTI. */
	.section .note.gnu.property, "a"
	.p2align 3
	.word	4, 16, 5
	.asciz	"GNU"
	.word	0xc0000000, 4, 1, 0
#endif
	.section .note.GNU-stack, "", %progbits
