#include "policy/definition_expression.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/text.h"
#include "policy/definition_text.h"
#include "policy/template_expression.h"

namespace policy {
namespace {

using nlohmann::json;

template <class T>
using Step = tl::expected<T, std::string>;

std::string Quoted(std::string_view text) { return "\"" + base::Printable(text, kMaxQuotedText) + "\""; }

using Context = Expression::Context;

struct ContextFunction {
  std::string_view name;
  Context::Source source;
  std::array<std::string_view, 8> members;  // those that Azure documents
};

// https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-resource#resourcegroup
constexpr std::array kContextFunctions = std::to_array<ContextFunction>({
    {"subscription", Context::Source::kSubscription, {"id", "subscriptionId", "tenantId", "displayName", "tags"}},
    {"resourceGroup", Context::Source::kResourceGroup, {"id", "name", "type", "location", "managedBy", "tags", "properties"}},
    {"policy", Context::Source::kPolicy, {"assignmentId", "definitionId", "setDefinitionId", "definitionReferenceId"}},
    {"requestContext", Context::Source::kRequest, {"apiVersion", "identity"}},
});

struct LazyFunction {
  std::string_view name;
  Expression::Lazy::Kind kind;
  std::size_t min_arguments;
  std::size_t max_arguments;
};

constexpr std::array kLazyFunctions = std::to_array<LazyFunction>({
    {"if", Expression::Lazy::Kind::kIf, 3, 3},
    {"and", Expression::Lazy::Kind::kAnd, 2, kMaxFunctionArguments},
    {"or", Expression::Lazy::Kind::kOr, 2, kMaxFunctionArguments},
    {"coalesce", Expression::Lazy::Kind::kCoalesce, 1, kMaxFunctionArguments},
});

template <class T, std::size_t kSize>
const T* FindByName(const std::array<T, kSize>& functions, std::string_view name) {
  const auto found = std::ranges::find_if(functions, [&](const T& f) { return base::EqualsIgnoreAsciiCase(f.name, name); });
  return found == functions.end() ? nullptr : &*found;
}

class Compiler {
 public:
  explicit Compiler(RuleContext& context) : context_(context) {}

  Step<Expression> Compile(const TemplateExpression& parsed);

  bool parameters_alone() const { return parameters_alone_; }

 private:
  using Call = TemplateExpression::Call;

  tl::unexpected<std::string> Wrong(const TemplateExpression& at, const std::string& message) const {
    return tl::unexpected("position " + std::to_string(at.position + 1) + ": " + message);
  }
  // Nothing when the number of arguments is right.
  std::optional<std::string> WrongNumber(const Call& call, std::size_t least, std::size_t most) const;
  Step<std::vector<Expression>> CompileAll(const std::vector<TemplateExpression>& parsed);
  Step<Expression> CompileCall(const TemplateExpression& at, const Call& call, std::size_t& keys_taken);
  Step<Expression> CompileParameter(const TemplateExpression& at, const Call& call);
  Step<Expression> CompileField(const TemplateExpression& at, const Call& call);
  Step<Expression> CompileCurrent(const TemplateExpression& at, const Call& call);
  Step<Expression> CompileContext(const TemplateExpression& at, const Call& call, const ContextFunction& function, std::size_t& keys_taken);
  std::string Unknown(std::string_view function) const;

  RuleContext& context_;
  bool parameters_alone_ = true;
};

Step<Expression> Compiler::Compile(const TemplateExpression& parsed) {
  Expression value;
  std::size_t keys_taken = 0;
  if (const std::string* text = std::get_if<std::string>(&parsed.node)) {
    value.node = Expression::Literal{json(*text)};
  } else if (const std::int64_t* number = std::get_if<std::int64_t>(&parsed.node)) {
    value.node = Expression::Literal{json(*number)};
  } else {
    Step<Expression> call = CompileCall(parsed, std::get<Call>(parsed.node), keys_taken);
    if (!call) {
      return call;
    }
    value = std::move(*call);
  }
  for (std::size_t i = keys_taken; i < parsed.keys.size(); ++i) {
    Step<Expression> key = Compile(parsed.keys[i]);
    if (!key) {
      return key;
    }
    value.keys.push_back(std::move(*key));
  }
  return value;
}

std::optional<std::string> Compiler::WrongNumber(const Call& call, std::size_t least, std::size_t most) const {
  if (call.arguments.size() >= least && call.arguments.size() <= most) {
    return std::nullopt;
  }
  const std::string wanted = least == most                   ? std::to_string(least)
                             : most == kMaxFunctionArguments ? "at least " + std::to_string(least)
                                                             : std::to_string(least) + " to " + std::to_string(most);
  return call.function + " takes " + wanted + " arguments, not " + std::to_string(call.arguments.size());
}

Step<std::vector<Expression>> Compiler::CompileAll(const std::vector<TemplateExpression>& parsed) {
  std::vector<Expression> all;
  for (const TemplateExpression& one : parsed) {
    Step<Expression> compiled = Compile(one);
    if (!compiled) {
      return tl::unexpected(std::move(compiled.error()));
    }
    all.push_back(std::move(*compiled));
  }
  return all;
}

Step<Expression> Compiler::CompileCall(const TemplateExpression& at, const Call& call, std::size_t& keys_taken) {
  if (++context_.functions > kMaxRuleFunctions) {
    return Wrong(at, "more than " + std::to_string(kMaxRuleFunctions) + " functions in the rule, Azure's limit");
  }
  const auto is = [&](std::string_view name) { return base::EqualsIgnoreAsciiCase(call.function, name); };
  if (is("parameters")) {
    return CompileParameter(at, call);
  }
  if (is("field")) {
    return CompileField(at, call);
  }
  if (is("current")) {
    return CompileCurrent(at, call);
  }
  if (const ContextFunction* function = FindByName(kContextFunctions, call.function)) {
    return CompileContext(at, call, *function, keys_taken);
  }
  if (is("utcNow")) {
    if (!call.arguments.empty()) {
      return Wrong(at, "utcNow with a format is not supported; only utcNow() is");
    }
    parameters_alone_ = false;
    context_.uses_time = true;
    return Expression{Expression::UtcNow{}, {}};
  }
  const LazyFunction* lazy = FindByName(kLazyFunctions, call.function);
  const TemplateFunction* function = FindTemplateFunction(call.function);
  if (lazy == nullptr && function == nullptr) {
    return Wrong(at, Unknown(call.function));
  }
  const auto problem = lazy != nullptr ? WrongNumber(call, lazy->min_arguments, lazy->max_arguments)
                                       : WrongNumber(call, function->min_arguments, function->max_arguments);
  if (problem) {
    return Wrong(at, *problem);
  }
  Step<std::vector<Expression>> arguments = CompileAll(call.arguments);
  if (!arguments) {
    return tl::unexpected(std::move(arguments.error()));
  }
  if (lazy != nullptr) {
    return Expression{Expression::Lazy{lazy->kind, std::move(*arguments)}, {}};
  }
  return Expression{Expression::Call{function, std::move(*arguments)}, {}};
}

std::string Compiler::Unknown(std::string_view function) const {
  if (const std::string_view why = WhyTemplateFunctionIsRefused(function); !why.empty()) {
    return "the function " + Quoted(function) + " cannot be used: " + std::string(why);
  }
  std::vector<std::string_view> known(TemplateFunctionNames().begin(), TemplateFunctionNames().end());
  known.insert(known.end(), {"parameters", "field", "current", "utcNow"});
  for (const ContextFunction& one : kContextFunctions) {
    known.push_back(one.name);
  }
  for (const LazyFunction& one : kLazyFunctions) {
    known.push_back(one.name);
  }
  const std::string_view near = base::Nearest(function, known);
  return "the function " + Quoted(function) + " is not supported" + (near.empty() ? "" : "; did you mean \"" + std::string(near) + "\"?");
}

// The only argument, where it is a literal string.
const std::string* OnlyText(const TemplateExpression::Call& call) {
  const bool plain = call.arguments.size() == 1 && call.arguments[0].keys.empty();
  return plain ? std::get_if<std::string>(&call.arguments[0].node) : nullptr;
}

Step<Expression> Compiler::CompileParameter(const TemplateExpression& at, const Call& call) {
  const std::string* name = OnlyText(call);
  if (name == nullptr) {
    return Wrong(at, "expected the name of a parameter in quotes");
  }
  const auto declared =
      std::ranges::find_if(context_.parameters, [&](const ParameterDefinition& p) { return base::EqualsIgnoreAsciiCase(p.name, *name); });
  if (declared == context_.parameters.end()) {
    return Wrong(at, "the definition declares no parameter " + Quoted(*name));
  }
  context_.used.insert(declared->name);
  return Expression{Expression::Parameter{declared->name}, {}};
}

Step<Expression> Compiler::CompileField(const TemplateExpression& at, const Call& call) {
  if (const auto problem = WrongNumber(call, 1, 1)) {
    return Wrong(at, *problem);
  }
  parameters_alone_ = false;
  const std::vector<CountScope> scopes = context_.is_existence ? std::vector<CountScope>() : context_.scopes;
  if (const std::string* name = OnlyText(call)) {
    tl::expected<FieldLocation, std::string> location = LocateField(*name, context_);
    if (!location) {
      return Wrong(at, location.error());
    }
    return Expression{Expression::FieldValue{ScopedField(std::move(*location), scopes)}, {}};
  }
  Step<Expression> name = Compile(call.arguments[0]);
  if (!name) {
    return name;
  }
  return Expression{Expression::NamedFieldValue{std::make_shared<const Expression>(std::move(*name)), scopes}, {}};
}

Step<Expression> Compiler::CompileCurrent(const TemplateExpression& at, const Call& call) {
  parameters_alone_ = false;
  if (context_.scopes.empty()) {
    return Wrong(at, "current() stands only within the \"where\" of a count");
  }
  if (call.arguments.empty()) {
    if (context_.scopes.size() > 1) {
      return Wrong(at, "current() needs the name of the count here, which stands within another one");
    }
    const CountScope& scope = context_.scopes.front();
    if (!scope.of_field) {
      return Expression{Expression::CurrentValue{scope.index}, {}};
    }
    Field field;
    field.location.steps = scope.steps;
    field.location.kind = scope.kind;
    field.scope = scope.index;
    field.first_step = scope.steps.size();
    return Expression{Expression::CurrentField{std::move(field)}, {}};
  }
  const std::string* name = OnlyText(call);
  if (name == nullptr) {
    return Wrong(at, "expected the name of a count or an array alias in quotes");
  }
  for (const CountScope& scope : context_.scopes) {
    if (!scope.of_field && base::EqualsIgnoreAsciiCase(scope.name, *name)) {
      return Expression{Expression::CurrentValue{scope.index}, {}};
    }
  }
  tl::expected<FieldLocation, std::string> location = LocateField(*name, context_);
  Field field = location ? ScopedField(std::move(*location), context_.scopes) : Field();
  if (field.scope == Field::kResource) {
    return Wrong(at, "no enclosing count is named " + Quoted(*name) + " or counts the elements of that array");
  }
  return Expression{Expression::CurrentField{std::move(field)}, {}};
}

Step<Expression> Compiler::CompileContext(const TemplateExpression& at, const Call& call, const ContextFunction& function,
                                          std::size_t& keys_taken) {
  if (const auto problem = WrongNumber(call, 0, 0)) {
    return Wrong(at, *problem);
  }
  parameters_alone_ = false;
  Context context{function.source, ""};
  const std::string* member = at.keys.empty() ? nullptr : std::get_if<std::string>(&at.keys.front().node);
  if (member != nullptr) {
    const auto known = std::ranges::find_if(function.members, [&](std::string_view m) { return base::EqualsIgnoreAsciiCase(m, *member); });
    if (member->empty() || known == function.members.end()) {
      return Wrong(at.keys.front(), std::string(function.name) + "() has no member " + Quoted(*member));
    }
    context.member = *known;
    keys_taken = 1;
  }
  return Expression{std::move(context), {}};
}

}  // namespace

bool Field::SelectsMany() const {
  return std::any_of(location.steps.begin() + static_cast<std::ptrdiff_t>(first_step), location.steps.end(),
                     [](const std::string& step) { return step.empty(); });
}

bool Field::IsArrayAlias() const {
  return std::ranges::any_of(location.steps, [](const std::string& step) { return step.empty(); });
}

Field ScopedField(FieldLocation location, const std::vector<CountScope>& scopes) {
  Field field;
  field.location = std::move(location);
  const std::vector<std::string>& steps = field.location.steps;
  for (std::size_t i = scopes.size(); i-- > 0;) {  // the innermost first
    const std::vector<std::string>& array = scopes[i].steps;
    if (scopes[i].of_field && scopes[i].kind == field.location.kind && steps.size() >= array.size() &&
        std::equal(array.begin(), array.end(), steps.begin())) {
      field.scope = scopes[i].index;
      field.first_step = array.size();
      break;
    }
  }
  return field;
}

tl::expected<FieldLocation, std::string> LocateField(std::string_view field, RuleContext& context) {
  tl::expected<FieldLocation, std::string> location = LocateField(field);
  if (location && location->is_alias) {
    context.alias_kinds.insert(location->kind);
  }
  return location;
}

tl::expected<CompiledExpression, std::string> CompileExpression(std::string_view text, RuleContext& context) {
  const tl::expected<TemplateExpression, std::string> parsed = ParseTemplateExpression(text);
  const std::string_view inner = text.substr(1, text.size() - 2);
  const auto wrong = [&](const std::string& message) { return tl::unexpected("the expression " + Quoted(text) + ": " + message); };
  if (!parsed) {
    return wrong(parsed.error());
  }
  Compiler compiler(context);
  Step<Expression> root = compiler.Compile(*parsed);
  if (!root) {
    return wrong(root.error());
  }
  return CompiledExpression{std::move(*root), std::string(inner), compiler.parameters_alone()};
}

}  // namespace policy
