#pragma once
// The parsed template. Nodes are immutable after parsing and shared by all renderings.
#include <cstddef>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <baton/llm/template_values/value.h>
#include "lexer.h"

namespace baton::llm::jinja {

struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

struct Expr {
  enum class Type {
    constant,             // value
    name,                 // name
    list,                 // args
    tuple,                // args
    dict,                 // args: key, value, key, value, ..
    attribute,            // args[0] . name
    item,                 // args[0] [ args[1] ]
    slice,                // args[0] [ args[1] : args[2] : args[3] ], absent ones null
    call,                 // args[0] ( call )
    filter,               // args[0] | name ( call ); args[0] is null at the head of a filter block
    test,                 // args[0] is name ( call )
    negated,              // not args[0]
    minus,                // - args[0]
    plus,                 // + args[0]
    binary,               // args[0] name args[1], arithmetic
    concat,               // args joined by ~
    compare,              // args[0] ops[0] args[1] ops[1] args[2] ..
    any,                  // args joined by or
    all,                  // args joined by and
    conditional,          // args[0] if args[1] else args[2], which may be null
    namespace_attribute,  // name . attribute, only as a target of set
  };
  Type type;
  Position at;
  int depth = 1;  // of the tree below, bounded by the parser
  Value value;
  std::string name;
  std::string attribute;
  std::vector<ExprPtr> args;
  std::vector<std::string> ops;

  struct Call {
    std::vector<ExprPtr> positional;
    std::vector<std::pair<std::string, ExprPtr>> named;
    ExprPtr spread;        // *args
    ExprPtr named_spread;  // **kwargs
  } call;
};

struct Stmt;
using Block = std::vector<std::unique_ptr<Stmt>>;

// The parameters and body of a macro, or of a call block's `caller`.
struct Function {
  std::string name;
  std::vector<std::string> parameters;
  std::vector<ExprPtr> defaults;  // of the last parameters
  Block body;
  bool uses_caller = false;  // the body reads `caller`, `kwargs`, `varargs`: only then are such arguments accepted
  bool uses_kwargs = false;
  bool uses_varargs = false;
};

struct Stmt {
  enum class Type {
    text,        // value
    print,       // expr
    set,         // target = expr
    set_block,   // target = body, through filter
    for_loop,    // for target in expr if condition: body; else: otherwise
    if_chain,    // branches; otherwise
    macro,       // function
    call_block,  // expr is the call, function the caller
    filter,      // filter over body
    with,        // bindings, body
    generation,  // body: the model's own text, for training masks
    break_loop,
    continue_loop,
  };
  Type type;
  Position at;
  Value value;
  ExprPtr target;
  ExprPtr expr;
  ExprPtr condition;
  ExprPtr filter;
  bool recursive = false;
  Block body;
  Block otherwise;
  std::vector<std::pair<ExprPtr, Block>> branches;
  std::vector<std::pair<ExprPtr, ExprPtr>> bindings;
  Function function;
};

struct Template {
  std::string name;
  std::string source;
  Block body;
  std::set<std::string, std::less<>> names;  // every variable that is read anywhere
};

}  // namespace baton::llm::jinja
