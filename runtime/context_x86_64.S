/* SPDX-License-Identifier: MIT */
/*
 * context_x86_64.S: the switch for x86-64, System V.
 *
 * A saved context, from its stack pointer up:
 *
 *	 0  MXCSR, x87 control word    the control bits belong to the callee-saved state
 *	 8  r15  16 r14  24 r13  32 r12  40 rbx  48 rbp
 *	56  return address
 *
 * Loading a control word costs more than all the rest, so it is loaded only if it differs.
 *
 * It ends by `ret`, though that goes where another call came from: switches happen at a few
 * places, so the prediction is right more often than not, and the predictor's stack of return
 * addresses stays level, which every later return needs.  A jump in its place made a yield take
 * twice as long.
 *
 * endbr64 is for CPUs that check where indirect jumps land.  A shadow stack would have to be
 * switched along: not supported.
 */
#if defined(__x86_64__)
	.text
	.globl	gor__context_switch
	.hidden	gor__context_switch
	.type	gor__context_switch, @function
	.p2align 4
gor__context_switch:
	.cfi_startproc
	endbr64
	pushq	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset rbp, -16
	pushq	%rbx
	.cfi_def_cfa_offset 24
	.cfi_offset rbx, -24
	pushq	%r12
	.cfi_def_cfa_offset 32
	.cfi_offset r12, -32
	pushq	%r13
	.cfi_def_cfa_offset 40
	.cfi_offset r13, -40
	pushq	%r14
	.cfi_def_cfa_offset 48
	.cfi_offset r14, -48
	pushq	%r15
	.cfi_def_cfa_offset 56
	.cfi_offset r15, -56
	subq	$8, %rsp
	.cfi_def_cfa_offset 64
	stmxcsr	(%rsp)
	fnstcw	4(%rsp)
	movl	(%rsp), %eax
	movzwl	4(%rsp), %ecx
	movq	%rsp, (%rdi)
	movq	%rsi, %rsp
	cmpl	(%rsp), %eax
	jne	2f
1:	cmpw	4(%rsp), %cx
	jne	3f
4:	addq	$8, %rsp
	.cfi_remember_state
	.cfi_def_cfa_offset 56
	popq	%r15
	.cfi_restore r15
	.cfi_def_cfa_offset 48
	popq	%r14
	.cfi_restore r14
	.cfi_def_cfa_offset 40
	popq	%r13
	.cfi_restore r13
	.cfi_def_cfa_offset 32
	popq	%r12
	.cfi_restore r12
	.cfi_def_cfa_offset 24
	popq	%rbx
	.cfi_restore rbx
	.cfi_def_cfa_offset 16
	popq	%rbp
	.cfi_restore rbp
	.cfi_def_cfa_offset 8
	ret
	.cfi_restore_state
2:	ldmxcsr	(%rsp)
	jmp	1b
3:	fldcw	4(%rsp)
	jmp	4b
	.cfi_endproc
	.size	gor__context_switch, . - gor__context_switch

/* First code of a new context: rbx entry, r12 arg.  The unwind chain ends here. */
	.globl	gor__context_entry
	.hidden	gor__context_entry
	.type	gor__context_entry, @function
	.p2align 4
gor__context_entry:
	.cfi_startproc
	.cfi_undefined rip
	endbr64
	xorl	%ebp, %ebp
	movq	%r12, %rdi
	call	*%rbx
	ud2
	.cfi_endproc
	.size	gor__context_entry, . - gor__context_entry

/* void *gor__context_make(void *top, void (*entry)(void *), void *arg) */
	.globl	gor__context_make
	.hidden	gor__context_make
	.type	gor__context_make, @function
	.p2align 4
gor__context_make:
	.cfi_startproc
	endbr64
	leaq	-80(%rdi), %rax
	stmxcsr	(%rax)
	fnstcw	4(%rax)
	movq	$0, 8(%rax)
	movq	$0, 16(%rax)
	movq	$0, 24(%rax)
	movq	%rdx, 32(%rax)
	movq	%rsi, 40(%rax)
	movq	$0, 48(%rax)
	leaq	gor__context_entry(%rip), %rcx
	movq	%rcx, 56(%rax)
	movq	$0, 64(%rax)
	movq	$0, 72(%rax)
	ret
	.cfi_endproc
	.size	gor__context_make, . - gor__context_make

/* Tells the linker that all code here has landing pads: 0xc0000002 x86 features, 1 IBT. */
	.section .note.gnu.property, "a"
	.p2align 3
	.long	4, 16, 5
	.asciz	"GNU"
	.long	0xc0000002, 4, 1, 0
#endif
	.section .note.GNU-stack, "", @progbits
