# Where the kernel starts a program: the arguments are on the stack (System V ABI, AMD64, 3.4.1), which has to be aligned for a call.
        .globl  _start
_start: xor     %ebp, %ebp
        mov     %rsp, %rdi
        and     $-16, %rsp
        call    probe
        hlt
        .section .note.GNU-stack,"",@progbits
