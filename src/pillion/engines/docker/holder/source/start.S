/* Where the kernel enters the program: the stack holds argc, then argv. */
    .globl _start
    .type _start, %function
    .text
_start:
#if defined(__x86_64__)
    xor %ebp, %ebp
    mov (%rsp), %rdi
    lea 8(%rsp), %rsi
    and $-16, %rsp
    call holder_main
    hlt
#elif defined(__aarch64__)
    mov x29, #0
    mov x30, #0
    ldr x0, [sp]
    add x1, sp, #8
    bl holder_main
    brk #0
#endif
    .size _start, . - _start
    .section .note.GNU-stack, "", %progbits
