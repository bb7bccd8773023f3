	.text
	.file	"counters.bpf.c"
	.file	0 "." "counters.bpf.c" md5 0xcccd7eaaba4bc024da0d7de6fa46b4b0
	.file	1 "." "bpf.h" md5 0xe9ab0067a0df661a847c95295e47cd50
	.section	"tracepoint/skb/kfree_skb","ax",@progbits
	.globl	tail                            # -- Begin function tail
	.p2align	3
	.type	tail,@function
tail:                                   # @tail
.Lfunc_begin0:
	.cfi_sections .debug_frame
	.cfi_startproc
# %bb.0:
	.loc	0 135 44 prologue_end           # counters.bpf.c:135:44
.Ltmp0:
	call 5
.Ltmp1:
	.loc	0 135 3 is_stmt 0               # counters.bpf.c:135:3
.Ltmp2:
	r1 = tail.format ll
	w2 = 9
	r3 = r0
	call 6
.Ltmp3:
	.loc	0 136 3 is_stmt 1               # counters.bpf.c:136:3
.Ltmp4:
	w0 = 0
	exit
.Ltmp5:
.Ltmp6:
.Lfunc_end0:
	.size	tail, .Lfunc_end0-tail
	.cfi_endproc
                                        # -- End function
	.text
	.globl	score                           # -- Begin function score
	.p2align	3
	.type	score,@function
score:                                  # @score
.Lfunc_begin1:
	.cfi_startproc
# %bb.0:
	#DEBUG_VALUE: score:a <- $w1
	.loc	0 103 45 prologue_end           # counters.bpf.c:103:45
.Ltmp7:
	r2 = sampling ll
	w2 = *(u32 *)(r2 + 0)
	.loc	0 103 38 is_stmt 0              # counters.bpf.c:103:38
.Ltmp8:
	call add
.Ltmp9:
.Ltmp10:
	.loc	0 103 55                        # counters.bpf.c:103:55
.Ltmp11:
	w0 += 1
	.loc	0 103 31                        # counters.bpf.c:103:31
.Ltmp12:
	exit
.Ltmp13:
.Ltmp14:
.Lfunc_end1:
	.size	score, .Lfunc_end1-score
	.cfi_endproc
                                        # -- End function
	.p2align	3                               # -- Begin function add
	.type	add,@function
add:                                    # @add
.Lfunc_begin2:
	.loc	0 101 0 is_stmt 1               # counters.bpf.c:101:0
	.cfi_startproc
# %bb.0:
	#DEBUG_VALUE: add:a <- $w1
	#DEBUG_VALUE: add:b <- $w2
	w0 = w2
.Ltmp15:
.Ltmp16:
	#DEBUG_VALUE: add:b <- $w0
	.loc	0 101 52 prologue_end           # counters.bpf.c:101:52
.Ltmp17:
	w0 += w1
.Ltmp18:
.Ltmp19:
	.loc	0 101 58 is_stmt 0              # counters.bpf.c:101:58
.Ltmp20:
	r1 = last_port ll
.Ltmp21:
.Ltmp22:
	w1 = *(u32 *)(r1 + 0)
	.loc	0 101 56                        # counters.bpf.c:101:56
.Ltmp23:
	w0 += w1
	.loc	0 101 43                        # counters.bpf.c:101:43
.Ltmp24:
	exit
.Ltmp25:
.Ltmp26:
.Lfunc_end2:
	.size	add, .Lfunc_end2-add
	.cfi_endproc
                                        # -- End function
	.section	xdp,"ax",@progbits
	.globl	count                           # -- Begin function count
	.p2align	3
	.type	count,@function
count:                                  # @count
.Lfunc_begin3:
	.loc	0 111 0 is_stmt 1               # counters.bpf.c:111:0
	.cfi_startproc
# %bb.0:
	w1 = 6
.Ltmp27:
	.loc	0 112 15 prologue_end           # counters.bpf.c:112:15
.Ltmp28:
.Ltmp29:
	*(u16 *)(r10 - 4) = w1
	w1 = 0
	*(u32 *)(r10 - 8) = w1
	r1 = 0
	*(u64 *)(r10 - 16) = r1
	r2 = r10
	r2 += -16
	.loc	0 113 27                        # counters.bpf.c:113:27
.Ltmp30:
	r1 = flows ll
	call 1
.Ltmp31:
.Ltmp32:
	#DEBUG_VALUE: count:totals <- $r0
	.loc	0 114 7                         # counters.bpf.c:114:7
.Ltmp33:
	if r0 == 0 goto LBB3_2
.Ltmp34:
.Ltmp35:
# %bb.1:
	#DEBUG_VALUE: count:totals <- $r0
	.loc	0 115 20                        # counters.bpf.c:115:20
.Ltmp36:
	r1 = *(u64 *)(r0 + 0)
	r1 += 1
	*(u64 *)(r0 + 0) = r1
	.loc	0 116 28                        # counters.bpf.c:116:28
.Ltmp37:
	r1 = sampling ll
	w1 = *(u32 *)(r1 + 0)
	r6 = r0
	.loc	0 116 22 is_stmt 0              # counters.bpf.c:116:22
.Ltmp38:
	call score
.Ltmp39:
.Ltmp40:
	r1 = w0
	r1 <<= 32
	r1 s>>= 32
	.loc	0 116 19                        # counters.bpf.c:116:19
.Ltmp41:
	r2 = *(u64 *)(r6 + 8)
	r2 += r1
	*(u64 *)(r6 + 8) = r2
.Ltmp42:
.Ltmp43:
LBB3_2:
	.loc	0 118 7 is_stmt 1               # counters.bpf.c:118:7
.Ltmp44:
	r1 = seen ll
	r2 = *(u64 *)(r1 + 0)
	r2 += 1
	*(u64 *)(r1 + 0) = r2
	.loc	0 119 19                        # counters.bpf.c:119:19
.Ltmp45:
	r1 = settings ll
	w0 = *(u16 *)(r1 + 0)
	w0 >>= 1
	w0 &= 7
	.loc	0 119 27 is_stmt 0              # counters.bpf.c:119:27
.Ltmp46:
	r1 = greeting ll
	w1 = *(u8 *)(r1 + 1)
	w1 <<= 24
	w1 s>>= 24
	.loc	0 119 25                        # counters.bpf.c:119:25
.Ltmp47:
	w0 += w1
	.loc	0 119 3                         # counters.bpf.c:119:3
.Ltmp48:
	exit
.Ltmp49:
.Ltmp50:
.Lfunc_end3:
	.size	count, .Lfunc_end3-count
	.cfi_endproc
                                        # -- End function
	.globl	looped                          # -- Begin function looped
	.p2align	3
	.type	looped,@function
looped:                                 # @looped
.Lfunc_begin4:
	.loc	0 125 0 is_stmt 1               # counters.bpf.c:125:0
	.cfi_startproc
# %bb.0:
	#DEBUG_VALUE: looped:ctx <- $r1
	r6 = r1
.Ltmp51:
.Ltmp52:
	#DEBUG_VALUE: looped:ctx <- $r6
	w1 = 0
.Ltmp53:
	.loc	0 126 9 prologue_end            # counters.bpf.c:126:9
.Ltmp54:
.Ltmp55:
	*(u32 *)(r10 - 4) = w1
	r3 = r10
	r3 += -4
	.loc	0 127 3                         # counters.bpf.c:127:3
.Ltmp56:
	w1 = 10
	r2 = step ll
	r4 = 0
	call 181
.Ltmp57:
	.loc	0 128 3                         # counters.bpf.c:128:3
.Ltmp58:
	r1 = r6
.Ltmp59:
.Ltmp60:
	#DEBUG_VALUE: looped:ctx <- $r1
	r2 = jumps ll
	w3 = 2
	call 12
.Ltmp61:
.Ltmp62:
	.loc	0 129 22                        # counters.bpf.c:129:22
.Ltmp63:
	w1 = *(u32 *)(r10 - 4)
	.loc	0 129 10 is_stmt 0              # counters.bpf.c:129:10
.Ltmp64:
	call local_twice
.Ltmp65:
	w6 = w0
	.loc	0 129 35                        # counters.bpf.c:129:35
.Ltmp66:
	r1 = custom ll
	r1 = *(u64 *)(r1 + 0)
                                        # kill: def $w1 killed $w1 killed $r1
	.loc	0 129 29                        # counters.bpf.c:129:29
.Ltmp67:
	call score
.Ltmp68:
	.loc	0 129 27                        # counters.bpf.c:129:27
.Ltmp69:
	w0 += w6
	.loc	0 129 3                         # counters.bpf.c:129:3
.Ltmp70:
	exit
.Ltmp71:
.Ltmp72:
.Lfunc_end4:
	.size	looped, .Lfunc_end4-looped
	.cfi_endproc
                                        # -- End function
	.text
	.p2align	3                               # -- Begin function step
	.type	step,@function
step:                                   # @step
.Lfunc_begin5:
	.loc	0 105 0 is_stmt 1               # counters.bpf.c:105:0
	.cfi_startproc
# %bb.0:
	#DEBUG_VALUE: step:index <- $w1
	#DEBUG_VALUE: step:ctx <- $r2
	r7 = r2
.Ltmp73:
.Ltmp74:
	#DEBUG_VALUE: step:ctx <- $r7
	w8 = w1
.Ltmp75:
.Ltmp76:
	#DEBUG_VALUE: step:index <- $w8
	w6 = 1
.Ltmp77:
	.loc	0 106 20 prologue_end           # counters.bpf.c:106:20
.Ltmp78:
.Ltmp79:
	w2 = 1
	call add
.Ltmp80:
	.loc	0 106 17 is_stmt 0              # counters.bpf.c:106:17
.Ltmp81:
	w1 = *(u32 *)(r7 + 0)
	w1 += w0
	*(u32 *)(r7 + 0) = w1
	.loc	0 107 16 is_stmt 1              # counters.bpf.c:107:16
.Ltmp82:
	if w8 > 5 goto LBB5_2
.Ltmp83:
.Ltmp84:
# %bb.1:
	#DEBUG_VALUE: step:index <- $w8
	#DEBUG_VALUE: step:ctx <- $r7
	.loc	0 0 16 is_stmt 0                # counters.bpf.c:0:16
	w6 = 0
.Ltmp85:
.Ltmp86:
LBB5_2:
	#DEBUG_VALUE: step:index <- $w8
	#DEBUG_VALUE: step:ctx <- $r7
	.loc	0 107 3                         # counters.bpf.c:107:3
.Ltmp87:
	w0 = w6
	exit
.Ltmp88:
.Ltmp89:
.Lfunc_end5:
	.size	step, .Lfunc_end5-step
	.cfi_endproc
                                        # -- End function
	.p2align	3                               # -- Begin function local_twice
	.type	local_twice,@function
local_twice:                            # @local_twice
.Lfunc_begin6:
	.cfi_startproc
# %bb.0:
	#DEBUG_VALUE: local_twice:a <- $w1
	.loc	0 122 55 prologue_end is_stmt 1 # counters.bpf.c:122:55
.Ltmp90:
	w2 = w1
	call add
.Ltmp91:
.Ltmp92:
	.loc	0 122 53 is_stmt 0              # counters.bpf.c:122:53
.Ltmp93:
	w0 <<= 1
	.loc	0 122 44                        # counters.bpf.c:122:44
.Ltmp94:
	exit
.Ltmp95:
.Ltmp96:
.Lfunc_end6:
	.size	local_twice, .Lfunc_end6-local_twice
	.cfi_endproc
                                        # -- End function
	.section	"unheard_of/place","ax",@progbits
	.globl	stranger                        # -- Begin function stranger
	.p2align	3
	.type	stranger,@function
stranger:                               # @stranger
.Lfunc_begin7:
	.cfi_startproc
# %bb.0:
	.loc	0 140 27 prologue_end is_stmt 1 # counters.bpf.c:140:27
.Ltmp97:
	w0 = 1
	exit
.Ltmp98:
.Ltmp99:
.Lfunc_end7:
	.size	stranger, .Lfunc_end7-stranger
	.cfi_endproc
                                        # -- End function
	.type	first_inner,@object             # @first_inner
	.section	.maps,"aw",@progbits
	.globl	first_inner
	.p2align	3, 0x0
first_inner:
	.zero	32
	.size	first_inner, 32

	.type	outer,@object                   # @outer
	.globl	outer
	.p2align	3, 0x0
outer:
	.quad	0
	.quad	0
	.quad	0
	.quad	0
	.quad	first_inner
	.size	outer, 40

	.type	jumps,@object                   # @jumps
	.globl	jumps
	.p2align	3, 0x0
jumps:
	.quad	0
	.quad	0
	.quad	0
	.quad	0
	.quad	0
	.quad	tail
	.size	jumps, 48

	.type	settings,@object                # @settings
	.data
	.globl	settings
	.p2align	3, 0x0
settings:
	.byte	219                             # 0xdb
	.byte	1                               # 0x1
	.zero	2
	.long	7                               # 0x7
	.long	287454020                       # 0x11223344
	.long	1432778632                      # 0x55667788
	.byte	1                               # 0x1
	.zero	7
	.quad	0x4004000000000000              # double 2.5
	.quad	0
	.short	1                               # 0x1
	.short	2                               # 0x2
	.short	3                               # 0x3
	.short	4                               # 0x4
	.short	5                               # 0x5
	.short	6                               # 0x6
	.zero	4
	.size	settings, 56

	.type	sampling,@object                # @sampling
	.section	.rodata,"a",@progbits
	.globl	sampling
	.p2align	2, 0x0
sampling:
	.long	10                              # 0xa
	.size	sampling, 4

	.type	greeting,@object                # @greeting
	.globl	greeting
greeting:
	.asciz	"hello\000\000\000\000\000\000\000\000\000\000"
	.size	greeting, 16

	.type	custom,@object                  # @custom
	.section	.data.custom,"aw",@progbits
	.globl	custom
	.p2align	3, 0x0
custom:
	.quad	-42                             # 0xffffffffffffffd6
	.size	custom, 8

	.type	.L__const.count.flow,@object    # @__const.count.flow
	.section	.rodata,"a",@progbits
	.p2align	1, 0x0
.L__const.count.flow:
	.zero	6
	.zero	6
	.byte	6                               # 0x6
	.zero	1
	.size	.L__const.count.flow, 14

	.type	flows,@object                   # @flows
	.section	.maps,"aw",@progbits
	.globl	flows
	.p2align	3, 0x0
flows:
	.zero	40
	.size	flows, 40

	.type	seen,@object                    # @seen
	.section	.bss,"aw",@nobits
	.globl	seen
	.p2align	3, 0x0
seen:
	.quad	0                               # 0x0
	.size	seen, 8

	.type	tail.format,@object             # @tail.format
	.section	.rodata,"a",@progbits
tail.format:
	.asciz	"at %llu\n"
	.size	tail.format, 9

	.type	_license,@object                # @_license
	.section	license,"aw",@progbits
	.globl	_license
_license:
	.asciz	"Dual MIT/GPL"
	.size	_license, 13

	.type	_version,@object                # @_version
	.section	version,"aw",@progbits
	.globl	_version
	.p2align	2, 0x0
_version:
	.long	393474                          # 0x60102
	.size	_version, 4

	.type	events,@object                  # @events
	.section	.maps,"aw",@progbits
	.globl	events
	.p2align	3, 0x0
events:
	.zero	24
	.size	events, 24

	.type	records,@object                 # @records
	.globl	records
	.p2align	3, 0x0
records:
	.zero	24
	.size	records, 24

	.type	last_port,@object               # @last_port
	.local	last_port
	.comm	last_port,4,4
	.section	.BTF,"",@progbits
	.short	60319                           # 0xeb9f
	.byte	1
	.byte	0
	.long	24
	.long	0
	.long	2440
	.long	2440
	.long	1524
	.long	0                               # BTF_KIND_PTR(id = 1)
	.long	33554432                        # 0x2000000
	.long	3
	.long	1                               # BTF_KIND_INT(id = 2)
	.long	16777216                        # 0x1000000
	.long	4
	.long	16777248                        # 0x1000020
	.long	0                               # BTF_KIND_ARRAY(id = 3)
	.long	50331648                        # 0x3000000
	.long	0
	.long	2
	.long	4
	.long	2
	.long	5                               # BTF_KIND_INT(id = 4)
	.long	16777216                        # 0x1000000
	.long	4
	.long	32                              # 0x20
	.long	0                               # BTF_KIND_PTR(id = 5)
	.long	33554432                        # 0x2000000
	.long	6
	.long	25                              # BTF_KIND_TYPEDEF(id = 6)
	.long	134217728                       # 0x8000000
	.long	7
	.long	31                              # BTF_KIND_INT(id = 7)
	.long	16777216                        # 0x1000000
	.long	4
	.long	32                              # 0x20
	.long	0                               # BTF_KIND_PTR(id = 8)
	.long	33554432                        # 0x2000000
	.long	9
	.long	44                              # BTF_KIND_TYPEDEF(id = 9)
	.long	134217728                       # 0x8000000
	.long	10
	.long	50                              # BTF_KIND_INT(id = 10)
	.long	16777216                        # 0x1000000
	.long	8
	.long	64                              # 0x40
	.long	0                               # BTF_KIND_PTR(id = 11)
	.long	33554432                        # 0x2000000
	.long	12
	.long	0                               # BTF_KIND_ARRAY(id = 12)
	.long	50331648                        # 0x3000000
	.long	0
	.long	2
	.long	4
	.long	4
	.long	69                              # BTF_KIND_STRUCT(id = 13)
	.long	67108868                        # 0x4000004
	.long	32
	.long	75
	.long	1
	.long	0                               # 0x0
	.long	80
	.long	5
	.long	64                              # 0x40
	.long	84
	.long	8
	.long	128                             # 0x80
	.long	90
	.long	11
	.long	192                             # 0xc0
	.long	102                             # BTF_KIND_VAR(id = 14)
	.long	234881024                       # 0xe000000
	.long	13
	.long	1
	.long	0                               # BTF_KIND_PTR(id = 15)
	.long	33554432                        # 0x2000000
	.long	16
	.long	0                               # BTF_KIND_ARRAY(id = 16)
	.long	50331648                        # 0x3000000
	.long	0
	.long	2
	.long	4
	.long	12
	.long	0                               # BTF_KIND_PTR(id = 17)
	.long	33554432                        # 0x2000000
	.long	18
	.long	0                               # BTF_KIND_ARRAY(id = 18)
	.long	50331648                        # 0x3000000
	.long	0
	.long	2
	.long	4
	.long	3
	.long	0                               # BTF_KIND_PTR(id = 19)
	.long	33554432                        # 0x2000000
	.long	13
	.long	0                               # BTF_KIND_ARRAY(id = 20)
	.long	50331648                        # 0x3000000
	.long	0
	.long	19
	.long	4
	.long	0
	.long	0                               # BTF_KIND_STRUCT(id = 21)
	.long	67108868                        # 0x4000004
	.long	24
	.long	75
	.long	15
	.long	0                               # 0x0
	.long	90
	.long	17
	.long	64                              # 0x40
	.long	80
	.long	5
	.long	128                             # 0x80
	.long	114
	.long	20
	.long	192                             # 0xc0
	.long	121                             # BTF_KIND_VAR(id = 22)
	.long	234881024                       # 0xe000000
	.long	21
	.long	1
	.long	0                               # BTF_KIND_PTR(id = 23)
	.long	33554432                        # 0x2000000
	.long	24
	.long	0                               # BTF_KIND_FUNC_PROTO(id = 24)
	.long	218103809                       # 0xd000001
	.long	2
	.long	0
	.long	25
	.long	0                               # BTF_KIND_PTR(id = 25)
	.long	33554432                        # 0x2000000
	.long	0
	.long	0                               # BTF_KIND_ARRAY(id = 26)
	.long	50331648                        # 0x3000000
	.long	0
	.long	23
	.long	4
	.long	0
	.long	0                               # BTF_KIND_STRUCT(id = 27)
	.long	67108868                        # 0x4000004
	.long	24
	.long	75
	.long	17
	.long	0                               # 0x0
	.long	90
	.long	11
	.long	64                              # 0x40
	.long	127
	.long	11
	.long	128                             # 0x80
	.long	114
	.long	26
	.long	192                             # 0xc0
	.long	136                             # BTF_KIND_VAR(id = 28)
	.long	234881024                       # 0xe000000
	.long	27
	.long	1
	.long	0                               # BTF_KIND_PTR(id = 29)
	.long	33554432                        # 0x2000000
	.long	30
	.long	0                               # BTF_KIND_ARRAY(id = 30)
	.long	50331648                        # 0x3000000
	.long	0
	.long	2
	.long	4
	.long	1
	.long	0                               # BTF_KIND_PTR(id = 31)
	.long	33554432                        # 0x2000000
	.long	32
	.long	142                             # BTF_KIND_STRUCT(id = 32)
	.long	67108867                        # 0x4000003
	.long	14
	.long	147
	.long	33
	.long	0                               # 0x0
	.long	152
	.long	33
	.long	48                              # 0x30
	.long	155
	.long	34
	.long	96                              # 0x60
	.long	164                             # BTF_KIND_STRUCT(id = 33)
	.long	67108866                        # 0x4000002
	.long	6
	.long	172
	.long	36
	.long	0                               # 0x0
	.long	178
	.long	37
	.long	32                              # 0x20
	.long	183                             # BTF_KIND_TYPEDEF(id = 34)
	.long	134217728                       # 0x8000000
	.long	35
	.long	188                             # BTF_KIND_INT(id = 35)
	.long	16777216                        # 0x1000000
	.long	1
	.long	8                               # 0x8
	.long	0                               # BTF_KIND_ARRAY(id = 36)
	.long	50331648                        # 0x3000000
	.long	0
	.long	34
	.long	4
	.long	4
	.long	202                             # BTF_KIND_TYPEDEF(id = 37)
	.long	134217728                       # 0x8000000
	.long	38
	.long	208                             # BTF_KIND_INT(id = 38)
	.long	16777216                        # 0x1000000
	.long	2
	.long	16                              # 0x10
	.long	0                               # BTF_KIND_PTR(id = 39)
	.long	33554432                        # 0x2000000
	.long	40
	.long	223                             # BTF_KIND_STRUCT(id = 40)
	.long	67108867                        # 0x4000003
	.long	32
	.long	230
	.long	9
	.long	0                               # 0x0
	.long	238
	.long	9
	.long	64                              # 0x40
	.long	244
	.long	42
	.long	128                             # 0x80
	.long	249                             # BTF_KIND_INT(id = 41)
	.long	16777216                        # 0x1000000
	.long	1
	.long	16777224                        # 0x1000008
	.long	0                               # BTF_KIND_ARRAY(id = 42)
	.long	50331648                        # 0x3000000
	.long	0
	.long	41
	.long	4
	.long	16
	.long	0                               # BTF_KIND_PTR(id = 43)
	.long	33554432                        # 0x2000000
	.long	44
	.long	0                               # BTF_KIND_ARRAY(id = 44)
	.long	50331648                        # 0x3000000
	.long	0
	.long	2
	.long	4
	.long	1024
	.long	0                               # BTF_KIND_STRUCT(id = 45)
	.long	67108869                        # 0x4000005
	.long	40
	.long	75
	.long	29
	.long	0                               # 0x0
	.long	80
	.long	31
	.long	64                              # 0x40
	.long	84
	.long	39
	.long	128                             # 0x80
	.long	90
	.long	43
	.long	192                             # 0xc0
	.long	254
	.long	29
	.long	256                             # 0x100
	.long	264                             # BTF_KIND_VAR(id = 46)
	.long	234881024                       # 0xe000000
	.long	45
	.long	1
	.long	0                               # BTF_KIND_STRUCT(id = 47)
	.long	67108867                        # 0x4000003
	.long	24
	.long	75
	.long	11
	.long	0                               # 0x0
	.long	127
	.long	11
	.long	64                              # 0x40
	.long	270
	.long	11
	.long	128                             # 0x80
	.long	281                             # BTF_KIND_VAR(id = 48)
	.long	234881024                       # 0xe000000
	.long	47
	.long	1
	.long	0                               # BTF_KIND_PTR(id = 49)
	.long	33554432                        # 0x2000000
	.long	50
	.long	0                               # BTF_KIND_ARRAY(id = 50)
	.long	50331648                        # 0x3000000
	.long	0
	.long	2
	.long	4
	.long	27
	.long	0                               # BTF_KIND_PTR(id = 51)
	.long	33554432                        # 0x2000000
	.long	52
	.long	0                               # BTF_KIND_ARRAY(id = 52)
	.long	50331648                        # 0x3000000
	.long	0
	.long	2
	.long	4
	.long	5000
	.long	0                               # BTF_KIND_STRUCT(id = 53)
	.long	67108867                        # 0x4000003
	.long	24
	.long	75
	.long	49
	.long	0                               # 0x0
	.long	90
	.long	51
	.long	64                              # 0x40
	.long	288
	.long	29
	.long	128                             # 0x80
	.long	296                             # BTF_KIND_VAR(id = 54)
	.long	234881024                       # 0xe000000
	.long	53
	.long	1
	.long	0                               # BTF_KIND_FUNC_PROTO(id = 55)
	.long	218103809                       # 0xd000001
	.long	2
	.long	304
	.long	25
	.long	308                             # BTF_KIND_FUNC(id = 56)
	.long	201326593                       # 0xc000001
	.long	55
	.long	0                               # BTF_KIND_FUNC_PROTO(id = 57)
	.long	218103809                       # 0xd000001
	.long	2
	.long	431
	.long	2
	.long	433                             # BTF_KIND_FUNC(id = 58)
	.long	201326593                       # 0xc000001
	.long	57
	.long	0                               # BTF_KIND_FUNC_PROTO(id = 59)
	.long	218103810                       # 0xd000002
	.long	2
	.long	431
	.long	2
	.long	506
	.long	2
	.long	508                             # BTF_KIND_FUNC(id = 60)
	.long	201326592                       # 0xc000000
	.long	59
	.long	0                               # BTF_KIND_FUNC_PROTO(id = 61)
	.long	218103809                       # 0xd000001
	.long	2
	.long	304
	.long	25
	.long	582                             # BTF_KIND_FUNC(id = 62)
	.long	201326593                       # 0xc000001
	.long	61
	.long	0                               # BTF_KIND_FUNC_PROTO(id = 63)
	.long	218103809                       # 0xd000001
	.long	2
	.long	304
	.long	25
	.long	841                             # BTF_KIND_FUNC(id = 64)
	.long	201326593                       # 0xc000001
	.long	63
	.long	0                               # BTF_KIND_FUNC_PROTO(id = 65)
	.long	218103810                       # 0xd000002
	.long	2
	.long	996
	.long	6
	.long	304
	.long	25
	.long	1002                            # BTF_KIND_FUNC(id = 66)
	.long	201326592                       # 0xc000000
	.long	65
	.long	0                               # BTF_KIND_FUNC_PROTO(id = 67)
	.long	218103809                       # 0xd000001
	.long	2
	.long	431
	.long	2
	.long	1103                            # BTF_KIND_FUNC(id = 68)
	.long	201326592                       # 0xc000000
	.long	67
	.long	0                               # BTF_KIND_FUNC_PROTO(id = 69)
	.long	218103809                       # 0xd000001
	.long	2
	.long	304
	.long	25
	.long	1182                            # BTF_KIND_FUNC(id = 70)
	.long	201326593                       # 0xc000001
	.long	69
	.long	0                               # BTF_KIND_VOLATILE(id = 71)
	.long	150994944                       # 0x9000000
	.long	72
	.long	1246                            # BTF_KIND_STRUCT(id = 72)
	.long	2214592521                      # 0x84000009
	.long	56
	.long	1255
	.long	6
	.long	16777216                        # 0x1000000
	.long	1263
	.long	6
	.long	50331649                        # 0x3000001
	.long	1269
	.long	73
	.long	83886084                        # 0x5000004
	.long	1274
	.long	74
	.long	32                              # 0x20
	.long	0
	.long	75
	.long	64                              # 0x40
	.long	1282
	.long	77
	.long	128                             # 0x80
	.long	1289
	.long	79
	.long	192                             # 0xc0
	.long	1295
	.long	80
	.long	256                             # 0x100
	.long	1301
	.long	83
	.long	320                             # 0x140
	.long	1307                            # BTF_KIND_TYPEDEF(id = 73)
	.long	134217728                       # 0x8000000
	.long	2
	.long	1274                            # BTF_KIND_ENUM(id = 74)
	.long	2248146947                      # 0x86000003
	.long	4
	.long	1313
	.long	-1
	.long	1326
	.long	0
	.long	1339
	.long	7
	.long	0                               # BTF_KIND_UNION(id = 75)
	.long	83886082                        # 0x5000002
	.long	8
	.long	1353
	.long	9
	.long	0                               # 0x0
	.long	0
	.long	76
	.long	0                               # 0x0
	.long	0                               # BTF_KIND_STRUCT(id = 76)
	.long	67108866                        # 0x4000002
	.long	8
	.long	1357
	.long	6
	.long	0                               # 0x0
	.long	1361
	.long	6
	.long	32                              # 0x20
	.long	1366                            # BTF_KIND_TYPEDEF(id = 77)
	.long	134217728                       # 0x8000000
	.long	78
	.long	1371                            # BTF_KIND_INT(id = 78)
	.long	16777216                        # 0x1000000
	.long	1
	.long	67108872                        # 0x4000008
	.long	1377                            # BTF_KIND_FLOAT(id = 79)
	.long	268435456                       # 0x10000000
	.long	8
	.long	0                               # BTF_KIND_PTR(id = 80)
	.long	33554432                        # 0x2000000
	.long	81
	.long	0                               # BTF_KIND_CONST(id = 81)
	.long	167772160                       # 0xa000000
	.long	41
	.long	0                               # BTF_KIND_ARRAY(id = 82)
	.long	50331648                        # 0x3000000
	.long	0
	.long	37
	.long	4
	.long	3
	.long	0                               # BTF_KIND_ARRAY(id = 83)
	.long	50331648                        # 0x3000000
	.long	0
	.long	82
	.long	4
	.long	2
	.long	1246                            # BTF_KIND_VAR(id = 84)
	.long	234881024                       # 0xe000000
	.long	71
	.long	1
	.long	0                               # BTF_KIND_CONST(id = 85)
	.long	167772160                       # 0xa000000
	.long	86
	.long	0                               # BTF_KIND_VOLATILE(id = 86)
	.long	150994944                       # 0x9000000
	.long	6
	.long	1384                            # BTF_KIND_VAR(id = 87)
	.long	234881024                       # 0xe000000
	.long	85
	.long	1
	.long	0                               # BTF_KIND_CONST(id = 88)
	.long	167772160                       # 0xa000000
	.long	89
	.long	0                               # BTF_KIND_VOLATILE(id = 89)
	.long	150994944                       # 0x9000000
	.long	41
	.long	0                               # BTF_KIND_ARRAY(id = 90)
	.long	50331648                        # 0x3000000
	.long	0
	.long	88
	.long	4
	.long	16
	.long	1393                            # BTF_KIND_VAR(id = 91)
	.long	234881024                       # 0xe000000
	.long	90
	.long	1
	.long	0                               # BTF_KIND_VOLATILE(id = 92)
	.long	150994944                       # 0x9000000
	.long	93
	.long	1402                            # BTF_KIND_TYPEDEF(id = 93)
	.long	134217728                       # 0x8000000
	.long	94
	.long	1408                            # BTF_KIND_INT(id = 94)
	.long	16777216                        # 0x1000000
	.long	8
	.long	16777280                        # 0x1000040
	.long	1418                            # BTF_KIND_VAR(id = 95)
	.long	234881024                       # 0xe000000
	.long	92
	.long	1
	.long	0                               # BTF_KIND_VOLATILE(id = 96)
	.long	150994944                       # 0x9000000
	.long	9
	.long	1425                            # BTF_KIND_VAR(id = 97)
	.long	234881024                       # 0xe000000
	.long	96
	.long	1
	.long	0                               # BTF_KIND_ARRAY(id = 98)
	.long	50331648                        # 0x3000000
	.long	0
	.long	81
	.long	4
	.long	9
	.long	1430                            # BTF_KIND_VAR(id = 99)
	.long	234881024                       # 0xe000000
	.long	98
	.long	0
	.long	0                               # BTF_KIND_ARRAY(id = 100)
	.long	50331648                        # 0x3000000
	.long	0
	.long	41
	.long	4
	.long	13
	.long	1442                            # BTF_KIND_VAR(id = 101)
	.long	234881024                       # 0xe000000
	.long	100
	.long	1
	.long	1451                            # BTF_KIND_VAR(id = 102)
	.long	234881024                       # 0xe000000
	.long	6
	.long	1
	.long	1460                            # BTF_KIND_VAR(id = 103)
	.long	234881024                       # 0xe000000
	.long	86
	.long	0
	.long	1470                            # BTF_KIND_DATASEC(id = 104)
	.long	251658242                       # 0xf000002
	.long	0
	.long	97
	.long	seen
	.long	8
	.long	103
	.long	last_port
	.long	4
	.long	1475                            # BTF_KIND_DATASEC(id = 105)
	.long	251658241                       # 0xf000001
	.long	0
	.long	84
	.long	settings
	.long	56
	.long	1481                            # BTF_KIND_DATASEC(id = 106)
	.long	251658241                       # 0xf000001
	.long	0
	.long	95
	.long	custom
	.long	8
	.long	1494                            # BTF_KIND_DATASEC(id = 107)
	.long	251658246                       # 0xf000006
	.long	0
	.long	14
	.long	first_inner
	.long	32
	.long	22
	.long	outer
	.long	40
	.long	28
	.long	jumps
	.long	48
	.long	46
	.long	flows
	.long	40
	.long	48
	.long	events
	.long	24
	.long	54
	.long	records
	.long	24
	.long	1500                            # BTF_KIND_DATASEC(id = 108)
	.long	251658243                       # 0xf000003
	.long	0
	.long	87
	.long	sampling
	.long	4
	.long	91
	.long	greeting
	.long	16
	.long	99
	.long	tail.format
	.long	9
	.long	1508                            # BTF_KIND_DATASEC(id = 109)
	.long	251658241                       # 0xf000001
	.long	0
	.long	101
	.long	_license
	.long	13
	.long	1516                            # BTF_KIND_DATASEC(id = 110)
	.long	251658241                       # 0xf000001
	.long	0
	.long	102
	.long	_version
	.long	4
	.byte	0                               # string offset=0
	.ascii	"int"                           # string offset=1
	.byte	0
	.ascii	"__ARRAY_SIZE_TYPE__"           # string offset=5
	.byte	0
	.ascii	"__u32"                         # string offset=25
	.byte	0
	.ascii	"unsigned int"                  # string offset=31
	.byte	0
	.ascii	"__u64"                         # string offset=44
	.byte	0
	.ascii	"unsigned long long"            # string offset=50
	.byte	0
	.ascii	"inner"                         # string offset=69
	.byte	0
	.ascii	"type"                          # string offset=75
	.byte	0
	.ascii	"key"                           # string offset=80
	.byte	0
	.ascii	"value"                         # string offset=84
	.byte	0
	.ascii	"max_entries"                   # string offset=90
	.byte	0
	.ascii	"first_inner"                   # string offset=102
	.byte	0
	.ascii	"values"                        # string offset=114
	.byte	0
	.ascii	"outer"                         # string offset=121
	.byte	0
	.ascii	"key_size"                      # string offset=127
	.byte	0
	.ascii	"jumps"                         # string offset=136
	.byte	0
	.ascii	"flow"                          # string offset=142
	.byte	0
	.ascii	"from"                          # string offset=147
	.byte	0
	.ascii	"to"                            # string offset=152
	.byte	0
	.ascii	"protocol"                      # string offset=155
	.byte	0
	.ascii	"address"                       # string offset=164
	.byte	0
	.ascii	"octet"                         # string offset=172
	.byte	0
	.ascii	"port"                          # string offset=178
	.byte	0
	.ascii	"__u8"                          # string offset=183
	.byte	0
	.ascii	"unsigned char"                 # string offset=188
	.byte	0
	.ascii	"__u16"                         # string offset=202
	.byte	0
	.ascii	"unsigned short"                # string offset=208
	.byte	0
	.ascii	"totals"                        # string offset=223
	.byte	0
	.ascii	"packets"                       # string offset=230
	.byte	0
	.ascii	"bytes"                         # string offset=238
	.byte	0
	.ascii	"name"                          # string offset=244
	.byte	0
	.ascii	"char"                          # string offset=249
	.byte	0
	.ascii	"map_flags"                     # string offset=254
	.byte	0
	.ascii	"flows"                         # string offset=264
	.byte	0
	.ascii	"value_size"                    # string offset=270
	.byte	0
	.ascii	"events"                        # string offset=281
	.byte	0
	.ascii	"pinning"                       # string offset=288
	.byte	0
	.ascii	"records"                       # string offset=296
	.byte	0
	.ascii	"ctx"                           # string offset=304
	.byte	0
	.ascii	"tail"                          # string offset=308
	.byte	0
	.ascii	"tracepoint/skb/kfree_skb"      # string offset=313
	.byte	0
	.ascii	"./counters.bpf.c"              # string offset=338
	.byte	0
	.ascii	"  bpf_trace_printk(format, sizeof(format), bpf_ktime_get_ns());" # string offset=355
	.byte	0
	.ascii	"  return 0;"                   # string offset=419
	.byte	0
	.byte	97                              # string offset=431
	.byte	0
	.ascii	"score"                         # string offset=433
	.byte	0
	.ascii	".text"                         # string offset=439
	.byte	0
	.ascii	"__noinline int score(int a) { return add(a, sampling) + 1; }" # string offset=445
	.byte	0
	.byte	98                              # string offset=506
	.byte	0
	.ascii	"add"                           # string offset=508
	.byte	0
	.ascii	"static __noinline int add(int a, int b) { return a + b + last_port; }" # string offset=512
	.byte	0
	.ascii	"count"                         # string offset=582
	.byte	0
	.ascii	"xdp"                           # string offset=588
	.byte	0
	.ascii	"int count(void *ctx) {"        # string offset=592
	.byte	0
	.ascii	"  struct flow flow = {.protocol = 6};" # string offset=615
	.byte	0
	.ascii	"  struct totals *totals = bpf_map_lookup_elem(&flows, &flow);" # string offset=653
	.byte	0
	.ascii	"  if (totals) {"               # string offset=715
	.byte	0
	.ascii	"    totals->packets++;"        # string offset=731
	.byte	0
	.ascii	"    totals->bytes += score(sampling);" # string offset=754
	.byte	0
	.ascii	"  seen++;"                     # string offset=792
	.byte	0
	.ascii	"  return settings.level + greeting[1];" # string offset=802
	.byte	0
	.ascii	"looped"                        # string offset=841
	.byte	0
	.ascii	"int looped(void *ctx) {"       # string offset=848
	.byte	0
	.ascii	"  __u32 sum = 0;"              # string offset=872
	.byte	0
	.ascii	"  bpf_loop(10, step, &sum, 0);" # string offset=889
	.byte	0
	.ascii	"  bpf_tail_call(ctx, &jumps, 2);" # string offset=920
	.byte	0
	.ascii	"  return local_twice(sum) + score(custom);" # string offset=953
	.byte	0
	.ascii	"index"                         # string offset=996
	.byte	0
	.ascii	"step"                          # string offset=1002
	.byte	0
	.ascii	"static int step(__u32 index, void *ctx) {" # string offset=1007
	.byte	0
	.ascii	"  *(__u32 *)ctx += add(index, 1);" # string offset=1049
	.byte	0
	.ascii	"  return index > 5;"           # string offset=1083
	.byte	0
	.ascii	"local_twice"                   # string offset=1103
	.byte	0
	.ascii	"static __noinline int local_twice(int a) { return 2 * add(a, a); }" # string offset=1115
	.byte	0
	.ascii	"stranger"                      # string offset=1182
	.byte	0
	.ascii	"unheard_of/place"              # string offset=1191
	.byte	0
	.ascii	"int stranger(void *ctx) { return 1; }" # string offset=1208
	.byte	0
	.ascii	"settings"                      # string offset=1246
	.byte	0
	.ascii	"enabled"                       # string offset=1255
	.byte	0
	.ascii	"level"                         # string offset=1263
	.byte	0
	.ascii	"bias"                          # string offset=1269
	.byte	0
	.ascii	"verdict"                       # string offset=1274
	.byte	0
	.ascii	"strict"                        # string offset=1282
	.byte	0
	.ascii	"ratio"                         # string offset=1289
	.byte	0
	.ascii	"label"                         # string offset=1295
	.byte	0
	.ascii	"table"                         # string offset=1301
	.byte	0
	.ascii	"__s32"                         # string offset=1307
	.byte	0
	.ascii	"VERDICT_DROP"                  # string offset=1313
	.byte	0
	.ascii	"VERDICT_PASS"                  # string offset=1326
	.byte	0
	.ascii	"VERDICT_COUNT"                 # string offset=1339
	.byte	0
	.ascii	"raw"                           # string offset=1353
	.byte	0
	.ascii	"low"                           # string offset=1357
	.byte	0
	.ascii	"high"                          # string offset=1361
	.byte	0
	.ascii	"bool"                          # string offset=1366
	.byte	0
	.ascii	"_Bool"                         # string offset=1371
	.byte	0
	.ascii	"double"                        # string offset=1377
	.byte	0
	.ascii	"sampling"                      # string offset=1384
	.byte	0
	.ascii	"greeting"                      # string offset=1393
	.byte	0
	.ascii	"__s64"                         # string offset=1402
	.byte	0
	.ascii	"long long"                     # string offset=1408
	.byte	0
	.ascii	"custom"                        # string offset=1418
	.byte	0
	.ascii	"seen"                          # string offset=1425
	.byte	0
	.ascii	"tail.format"                   # string offset=1430
	.byte	0
	.ascii	"_license"                      # string offset=1442
	.byte	0
	.ascii	"_version"                      # string offset=1451
	.byte	0
	.ascii	"last_port"                     # string offset=1460
	.byte	0
	.ascii	".bss"                          # string offset=1470
	.byte	0
	.ascii	".data"                         # string offset=1475
	.byte	0
	.ascii	".data.custom"                  # string offset=1481
	.byte	0
	.ascii	".maps"                         # string offset=1494
	.byte	0
	.ascii	".rodata"                       # string offset=1500
	.byte	0
	.ascii	"license"                       # string offset=1508
	.byte	0
	.ascii	"version"                       # string offset=1516
	.byte	0
	.section	.BTF.ext,"",@progbits
	.short	60319                           # 0xeb9f
	.byte	1
	.byte	0
	.long	32
	.long	0
	.long	100
	.long	100
	.long	740
	.long	840
	.long	0
	.long	8                               # FuncInfo
	.long	313                             # FuncInfo section string offset=313
	.long	1
	.long	.Lfunc_begin0
	.long	56
	.long	439                             # FuncInfo section string offset=439
	.long	4
	.long	.Lfunc_begin1
	.long	58
	.long	.Lfunc_begin2
	.long	60
	.long	.Lfunc_begin5
	.long	66
	.long	.Lfunc_begin6
	.long	68
	.long	588                             # FuncInfo section string offset=588
	.long	2
	.long	.Lfunc_begin3
	.long	62
	.long	.Lfunc_begin4
	.long	64
	.long	1191                            # FuncInfo section string offset=1191
	.long	1
	.long	.Lfunc_begin7
	.long	70
	.long	16                              # LineInfo
	.long	313                             # LineInfo section string offset=313
	.long	3
	.long	.Ltmp0
	.long	338
	.long	355
	.long	138284                          # Line 135 Col 44
	.long	.Ltmp2
	.long	338
	.long	355
	.long	138243                          # Line 135 Col 3
	.long	.Ltmp4
	.long	338
	.long	419
	.long	139267                          # Line 136 Col 3
	.long	439                             # LineInfo section string offset=439
	.long	17
	.long	.Ltmp7
	.long	338
	.long	445
	.long	105517                          # Line 103 Col 45
	.long	.Ltmp8
	.long	338
	.long	445
	.long	105510                          # Line 103 Col 38
	.long	.Ltmp11
	.long	338
	.long	445
	.long	105527                          # Line 103 Col 55
	.long	.Ltmp12
	.long	338
	.long	445
	.long	105503                          # Line 103 Col 31
	.long	.Lfunc_begin2
	.long	338
	.long	512
	.long	103424                          # Line 101 Col 0
	.long	.Ltmp17
	.long	338
	.long	512
	.long	103476                          # Line 101 Col 52
	.long	.Ltmp20
	.long	338
	.long	512
	.long	103482                          # Line 101 Col 58
	.long	.Ltmp23
	.long	338
	.long	512
	.long	103480                          # Line 101 Col 56
	.long	.Ltmp24
	.long	338
	.long	512
	.long	103467                          # Line 101 Col 43
	.long	.Lfunc_begin5
	.long	338
	.long	1007
	.long	107520                          # Line 105 Col 0
	.long	.Ltmp79
	.long	338
	.long	1049
	.long	108564                          # Line 106 Col 20
	.long	.Ltmp81
	.long	338
	.long	1049
	.long	108561                          # Line 106 Col 17
	.long	.Ltmp82
	.long	338
	.long	1083
	.long	109584                          # Line 107 Col 16
	.long	.Ltmp87
	.long	338
	.long	1083
	.long	109571                          # Line 107 Col 3
	.long	.Ltmp90
	.long	338
	.long	1115
	.long	124983                          # Line 122 Col 55
	.long	.Ltmp93
	.long	338
	.long	1115
	.long	124981                          # Line 122 Col 53
	.long	.Ltmp94
	.long	338
	.long	1115
	.long	124972                          # Line 122 Col 44
	.long	588                             # LineInfo section string offset=588
	.long	23
	.long	.Lfunc_begin3
	.long	338
	.long	592
	.long	113664                          # Line 111 Col 0
	.long	.Ltmp29
	.long	338
	.long	615
	.long	114703                          # Line 112 Col 15
	.long	.Ltmp30
	.long	338
	.long	653
	.long	115739                          # Line 113 Col 27
	.long	.Ltmp33
	.long	338
	.long	715
	.long	116743                          # Line 114 Col 7
	.long	.Ltmp36
	.long	338
	.long	731
	.long	117780                          # Line 115 Col 20
	.long	.Ltmp37
	.long	338
	.long	754
	.long	118812                          # Line 116 Col 28
	.long	.Ltmp38
	.long	338
	.long	754
	.long	118806                          # Line 116 Col 22
	.long	.Ltmp41
	.long	338
	.long	754
	.long	118803                          # Line 116 Col 19
	.long	.Ltmp44
	.long	338
	.long	792
	.long	120839                          # Line 118 Col 7
	.long	.Ltmp45
	.long	338
	.long	802
	.long	121875                          # Line 119 Col 19
	.long	.Ltmp46
	.long	338
	.long	802
	.long	121883                          # Line 119 Col 27
	.long	.Ltmp47
	.long	338
	.long	802
	.long	121881                          # Line 119 Col 25
	.long	.Ltmp48
	.long	338
	.long	802
	.long	121859                          # Line 119 Col 3
	.long	.Lfunc_begin4
	.long	338
	.long	848
	.long	128000                          # Line 125 Col 0
	.long	.Ltmp55
	.long	338
	.long	872
	.long	129033                          # Line 126 Col 9
	.long	.Ltmp56
	.long	338
	.long	889
	.long	130051                          # Line 127 Col 3
	.long	.Ltmp58
	.long	338
	.long	920
	.long	131075                          # Line 128 Col 3
	.long	.Ltmp63
	.long	338
	.long	953
	.long	132118                          # Line 129 Col 22
	.long	.Ltmp64
	.long	338
	.long	953
	.long	132106                          # Line 129 Col 10
	.long	.Ltmp66
	.long	338
	.long	953
	.long	132131                          # Line 129 Col 35
	.long	.Ltmp67
	.long	338
	.long	953
	.long	132125                          # Line 129 Col 29
	.long	.Ltmp69
	.long	338
	.long	953
	.long	132123                          # Line 129 Col 27
	.long	.Ltmp70
	.long	338
	.long	953
	.long	132099                          # Line 129 Col 3
	.long	1191                            # LineInfo section string offset=1191
	.long	1
	.long	.Ltmp97
	.long	338
	.long	1208
	.long	143387                          # Line 140 Col 27
	.addrsig
	.addrsig_sym tail
	.addrsig_sym count
	.addrsig_sym looped
	.addrsig_sym step
	.addrsig_sym stranger
	.addrsig_sym first_inner
	.addrsig_sym outer
	.addrsig_sym jumps
	.addrsig_sym settings
	.addrsig_sym sampling
	.addrsig_sym greeting
	.addrsig_sym custom
	.addrsig_sym flows
	.addrsig_sym seen
	.addrsig_sym tail.format
	.addrsig_sym _license
	.addrsig_sym _version
	.addrsig_sym events
	.addrsig_sym records
	.addrsig_sym last_port
